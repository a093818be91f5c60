// From a model file to what --emit asks for.
#pragma once

#include "lib/Pipelines/Pipelines.h"
#include "lib/Planner/Communication.h"

namespace mlir::nanochat {

struct CompileOptions {
  std::vector<PipelineOptions> rows; // at least one; more than one only for an executable, best first
  std::string emit = "mlir";         // mlir, llvm, asm, obj, exe, ptx or cubin
  std::string stopAfter;             // a stage; all of them where empty
  std::string plan;                  // table, json or html: print the plan instead
  std::string output = "-";
  std::string runtime;              // the runtime archive that executables link
  std::string cache;                // folder of compiled kernels; none where empty
  int64_t threads = 1;              // that plans count with, of a processor
  std::optional<Network> network;   // between ranks, where it is known
  std::string rates;                // a file of them; those of this machine where empty
  int64_t budget = 0;               // bytes that the first row's program may take; 0: as it comes
  bool isCodesGiven = false;        // by the user, so that a search does not choose it
  bool isUpdateGiven = false;       // likewise
  bool isShardGiven = false;        // likewise
  std::vector<std::string> allowed; // roundings that it may choose: "masters=bf16", "masters=int8", "stream=bf16"
  std::string choice;               // of a search: the options that it chose
  // Folders of recorded steps to check; where one is given, nothing is compiled.
  std::string checkDispatches, checkGradients;
};

/// Exit codes of the compiler.
enum ExitCode { kOk = 0, kFailed = 1, kUserError = 2 };

/// Compiles `input` and writes the output; errors were emitted as diagnostics, but for those of files that are written,
/// which are thrown as nc::Error.
ExitCode compile(StringRef input, MLIRContext &context, const CompileOptions &options);

} // namespace mlir::nanochat
