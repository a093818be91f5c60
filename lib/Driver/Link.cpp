#include "lib/Driver/Link.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"

using namespace mlir;
using namespace mlir::nanochat;

/// Writes objects as an archive to a temporary file, whose name is returned.
static llvm::Expected<std::string> writeArchive(const ObjectSet &objects) {
  llvm::SmallString<128> path;
  if (std::error_code error = llvm::sys::fs::createTemporaryFile("nanochat", "a", path))
    return llvm::createStringError(error, "");
  std::vector<llvm::NewArchiveMember> members;
  for (auto &[name, object] : objects) {
    members.emplace_back(object->getMemBufferRef());
    members.back().MemberName = name;
  }
  if (llvm::Error error = llvm::writeArchive(path, members, llvm::SymtabWritingMode::NormalSymtab,
                                             llvm::object::Archive::K_GNU, /*Deterministic=*/true, /*Thin=*/false)) {
    llvm::sys::fs::remove(path);
    return error;
  }
  return std::string(path);
}

ExitCode mlir::nanochat::linkProgram(const ObjectSet &objects, const CompileOptions &options) {
  if (!llvm::sys::fs::exists(options.runtime)) {
    llvm::errs() << "error: the runtime library " << options.runtime << " is missing\nnote: build all targets, or use --emit=obj and link by hand\n";
    return kFailed;
  }
  auto linker = llvm::sys::findProgramByName("c++");
  if (!linker) {
    llvm::errs() << "error: no C++ compiler driver (c++) to link with\nnote: apt-get install g++, or use --emit=obj\n";
    return kFailed;
  }
  auto archive = writeArchive(objects);
  if (!archive) {
    llvm::errs() << "error: cannot write a temporary file: " << llvm::toString(archive.takeError()) << "\nnote: TMPDIR names a folder with free space\n";
    return kFailed;
  }
  llvm::FileRemover removeArchive(*archive);
  llvm::SmallString<128> emulator(llvm::sys::path::parent_path(options.runtime));
  llvm::sys::path::append(emulator, "libnanochat_emulator.a"); // of which only emulated kernels need anything
  // Linked aside and renamed, so that a failure never leaves half an executable.
  std::string aside = options.output + ".tmp";
  SmallVector<StringRef> args{*linker, "-Wl,--whole-archive", *archive, "-Wl,--no-whole-archive", options.runtime, emulator, "-o", aside, "-pthread", "-lm", "-Wl,--gc-sections"};
  // The C++ library goes along, so that the program runs where another version of it is installed, or none.
  args.append({"-static-libstdc++", "-static-libgcc"});
#ifdef NANOCHAT_LINK_OPTION
  args.push_back(NANOCHAT_LINK_OPTION);
#endif
  std::string error;
  if (llvm::sys::ExecuteAndWait(*linker, args, std::nullopt, {}, 0, 0, &error)) {
    llvm::errs() << "error: linking " << options.output << " failed " << error << "\n";
    llvm::sys::fs::remove(aside);
    return kFailed;
  }
  if (std::error_code failed = llvm::sys::fs::rename(aside, options.output)) {
    llvm::errs() << "error: cannot write " << options.output << ": " << failed.message() << "\n";
    return kFailed;
  }
  return kOk;
}
