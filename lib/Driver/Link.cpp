#include "lib/Driver/Compile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Program.h"

using namespace mlir;
using namespace mlir::nanochat;

ExitCode mlir::nanochat::linkProgram(StringRef object, const CompileOptions &options) {
  if (!llvm::sys::fs::exists(options.runtime)) {
    llvm::errs() << "error: the runtime library " << options.runtime << " is missing\nnote: build all targets, or use --emit=obj and link by hand\n";
    return kFailed;
  }
  auto linker = llvm::sys::findProgramByName("c++");
  if (!linker) {
    llvm::errs() << "error: no C++ compiler driver (c++) to link with\nnote: apt-get install g++, or use --emit=obj\n";
    return kFailed;
  }
  // Linked aside and renamed, so that a failure never leaves half an executable.
  std::string aside = options.output + ".tmp";
  SmallVector<StringRef> args{*linker, object, options.runtime, "-o", aside, "-pthread", "-lm", "-Wl,--gc-sections"};
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
