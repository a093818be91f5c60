// From a model file to what --emit asks for.
#pragma once

#include "lib/Pipelines/Pipelines.h"

namespace mlir::nanochat {

struct CompileOptions {
  std::vector<PipelineOptions> rows; // at least one; more than one only for an executable, best first
  std::string emit = "mlir";         // mlir, llvm, asm, obj, exe, ptx or cubin
  std::string stopAfter;             // a stage; all of them where empty
  std::string plan;                  // table or json: print the plan instead
  std::string output = "-";
  std::string runtime; // the runtime archive that executables link
  std::string cache;   // folder of compiled kernels; none where empty
  // Folders of recorded steps to check; where one is given, nothing is compiled.
  std::string checkDispatches, checkGradients;
};

/// Exit codes of the compiler.
enum ExitCode { kOk = 0, kFailed = 1, kUserError = 2 };

/// Compiles `input` and writes the output; errors were emitted as diagnostics, but for those of files that are written,
/// which are thrown as nc::Error.
ExitCode compile(StringRef input, MLIRContext &context, const CompileOptions &options);

} // namespace mlir::nanochat
