#include "lib/Driver/CudaToolkit.h"
#include "lib/Driver/TemporaryFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"

using namespace mlir;
using namespace mlir::nanochat;

/// The highest PTX version of a toolkit's release (PTX ISA, "Release Notes"); later ones know at least the last.
static int64_t ptxOf(int64_t major, int64_t minor) {
  if (major >= 13)
    return 90;
  if (major < 12)
    return 78;
  constexpr int64_t ofTwelve[] = {80, 81, 82, 83, 84, 85, 85, 86, 87, 88};
  return ofTwelve[std::min<int64_t>(minor, 9)];
}

/// Runs a program; its output, of which both streams are part, and whether it succeeded.
static std::pair<std::string, bool> run(StringRef program, ArrayRef<StringRef> args) {
  TemporaryFile said("txt");
  SmallVector<StringRef> all{program};
  llvm::append_range(all, args);
  std::optional<StringRef> redirects[] = {StringRef(""), said.path(), said.path()};
  bool isGood = llvm::sys::ExecuteAndWait(program, all, std::nullopt, redirects) == 0;
  auto text = llvm::MemoryBuffer::getFile(said.path());
  return {text ? (*text)->getBuffer().str() : "", isGood};
}

/// Where ptxas may be, best places first.
static std::vector<std::string> candidatesForPtxas() {
  if (const char *given = getenv("NANOCHAT_PTXAS"))
    return {given};
  std::vector<std::string> candidates;
  for (const char *variable : {"CUDA_HOME", "CUDA_PATH", "CUDA_ROOT"})
    if (const char *folder = getenv(variable))
      candidates.push_back(std::string(folder) + "/bin/ptxas");
  if (auto inPath = llvm::sys::findProgramByName("ptxas"))
    candidates.push_back(*inPath);
  candidates.push_back("/usr/local/cuda/bin/ptxas");
  return candidates;
}

CudaToolkit CudaToolkit::find() {
  CudaToolkit toolkit;
  for (const std::string &candidate : candidatesForPtxas()) {
    if (!llvm::sys::fs::can_execute(candidate))
      continue;
    auto [text, isGood] = run(candidate, {"--version"});
    StringRef release = StringRef(text).split("release ").second.split(',').first;
    auto [major, minor] = release.split('.');
    int64_t high, low;
    if (!isGood || major.getAsInteger(10, high) || minor.getAsInteger(10, low))
      continue;
    toolkit.ptxas = candidate;
    toolkit.version = release.str();
    toolkit.ptx = ptxOf(high, low);
    break;
  }
  return toolkit;
}

std::string CudaToolkit::libdevice() const {
  llvm::SmallString<128> resolved;
  (void)llvm::sys::fs::real_path(ptxas, resolved);
  for (StringRef binary : {StringRef(ptxas), StringRef(resolved)}) {
    llvm::SmallString<128> path(llvm::sys::path::parent_path(llvm::sys::path::parent_path(binary)));
    llvm::sys::path::append(path, "nvvm", "libdevice", "libdevice.10.bc");
    if (llvm::sys::fs::exists(path))
      return std::string(path);
  }
  return "";
}

static std::string dotted(int64_t version) { return std::to_string(version / 10) + "." + std::to_string(version % 10); }

LogicalResult CudaToolkit::check(Location loc, const GpuFacts &facts) const {
  // What LLVM 22 knows; it ends the process where it does not.
  constexpr int64_t known[] = {78, 80, 81, 82, 83, 84, 85, 86, 87, 88, 90};
  if (facts.ptx < facts.leastPtx)
    return emitError(loc) << "PTX " << dotted(facts.ptx) << " does not know " << facts.chip << ": it takes at least "
                          << dotted(facts.leastPtx);
  if (!llvm::is_contained(known, facts.ptx)) {
    InFlightDiagnostic error = emitError(loc) << "PTX " << dotted(facts.ptx) << " is no version that can be written";
    error.attachNote() << "for " << facts.chip << " it is from " << dotted(facts.leastPtx) << " to 9.0";
    return error;
  }
  if (hasPtxas() && facts.ptx > ptx) {
    InFlightDiagnostic error = emitError(loc) << ptxas << " (release " << version << ") does not know PTX "
                                              << dotted(facts.ptx) << ", only up to " << dotted(ptx);
    if (ptx >= facts.leastPtx)
      error.attachNote() << "--ptx=" << dotted(ptx) << " writes what it knows";
    else
      error.attachNote() << "code for " << facts.chip << " takes a later toolkit; NANOCHAT_PTXAS names another ptxas";
    return error;
  }
  return success();
}

FailureOr<std::unique_ptr<llvm::MemoryBuffer>> CudaToolkit::assemble(Location loc, StringRef text,
                                                                     const GpuFacts &facts) const {
  TemporaryFile source("ptx", text), result("cubin");
  auto [output, isGood] = run(ptxas, {"-arch", facts.chip, "-O3", source.path(), "-o", result.path()});
  if (!isGood)
    return emitError(loc) << ptxas << " refused a kernel: " << output;
  auto code = llvm::MemoryBuffer::getFile(result.path(), /*IsText=*/false, /*RequiresNullTerminator=*/false,
                                          /*IsVolatile=*/true);
  if (!code)
    return emitError(loc) << "ptxas left nothing to read: " << code.getError().message();
  return std::move(*code);
}
