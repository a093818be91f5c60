#include "lib/Driver/KernelCache.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/CachePruning.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Support/xxhash.h"

using namespace mlir::nanochat;
using llvm::StringRef;

/// The value of a variable that names a folder; "" where that is relative: no user means another folder in each.
static std::string absoluteFolder(StringRef variable) {
  auto value = llvm::sys::Process::GetEnv(variable);
  return value && llvm::sys::path::is_absolute(*value) ? *value : "";
}

std::string mlir::nanochat::defaultCacheFolder() {
  if (auto given = llvm::sys::Process::GetEnv("NANOCHAT_CACHE"); given && !given->empty())
    return *given;
  if (std::string caches = absoluteFolder("XDG_CACHE_HOME"); !caches.empty())
    return caches + "/nanochat";
  std::string home = absoluteFolder("HOME");
  return home.empty() ? "" : home + "/.cache/nanochat";
}

/// A hash of the executable that runs: another build may compile the same input to something else.
static std::string hashOfCompiler() {
  std::string self = llvm::sys::fs::getMainExecutable(nullptr, reinterpret_cast<void *>(&defaultCacheFolder));
  auto file = llvm::MemoryBuffer::getFile(self, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  return file ? llvm::utohexstr(llvm::xxh3_64bits((*file)->getBuffer()), true) : "";
}

KernelCache::KernelCache(StringRef folder) : folder(folder), compiler(hashOfCompiler()) {
  // A compiler that cannot be told from another one must not share its results.
  if (compiler.empty())
    this->folder.clear();
  if (this->folder.empty())
    return;
  llvm::CachePruningPolicy policy;
  policy.MaxSizeBytes = 1 << 30;
  llvm::pruneCache(folder, policy);
}

std::string KernelCache::keyOf(StringRef content) const {
  llvm::BLAKE3 hasher;
  for (StringRef part : {StringRef(LLVM_VERSION_STRING), StringRef(compiler), content})
    hasher.update(part);
  return llvm::toHex(hasher.final<16>(), /*LowerCase=*/true);
}

/// With the prefix that pruning looks for.
std::string KernelCache::path(StringRef key) const {
  llvm::SmallString<128> path(folder);
  llvm::sys::path::append(path, "llvmcache-" + key);
  return std::string(path);
}

static std::string checksum(StringRef object) { return llvm::utohexstr(llvm::xxh3_64bits(object), true, 16); }

std::unique_ptr<llvm::MemoryBuffer> KernelCache::find(StringRef key) const {
  if (folder.empty())
    return nullptr;
  auto file = llvm::MemoryBuffer::getFile(path(key), false, false);
  if (!file || (*file)->getBufferSize() < 16)
    return nullptr;
  StringRef sum = (*file)->getBuffer().take_front(16), object = (*file)->getBuffer().drop_front(16);
  return sum == checksum(object) ? llvm::MemoryBuffer::getMemBufferCopy(object, key) : nullptr;
}

void KernelCache::keep(StringRef key, StringRef object) const {
  if (folder.empty() || llvm::sys::fs::create_directories(folder))
    return;
  auto file = llvm::sys::fs::TempFile::create(folder + "/new-%%%%%%%%");
  if (!file)
    return llvm::consumeError(file.takeError());
  bool isWhole;
  {
    llvm::raw_fd_ostream os(file->FD, /*shouldClose=*/false);
    os << checksum(object) << object;
    os.flush();
    isWhole = !os.has_error();
    os.clear_error();
  }
  llvm::consumeError(isWhole ? file->keep(path(key)) : file->discard());
}
