// The compiler as a list of stages; one table drives --target, --stop-after and --list-stages.
#pragma once

#include "dialect/ops/model/Sizes.h"
#include "lib/Targets/Target.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/Timing.h"

namespace mlir::nanochat {

/// What is kept in memory, and in how many bits. Of those that say what is made again rather than kept, and when
/// parameters change, none changes a bit of a result but `chunk`, which orders sums.
struct MemoryChoices {
  std::vector<std::string> recompute; // "layers=body", of --recompute
  int64_t chunk = 0;                  // tokens whose logits there are at once, of --chunk; 0: what suits their number
  bool codesAtUse = false;            // codes of ternary weights are made where they are read, of --codes=use
  bool updateInBackward = false;      // parameters change where their gradients are formed, of --update=backward
  std::vector<std::string> masters;   // "matrix=bf16" or "matrix=int8", of --masters
  std::vector<std::string> streams;   // "layers=bf16", of --stream

  /// As options: "--stream=layers=bf16 --recompute=layers=body".
  std::string spell() const;
};

/// How a step is shared out among processes.
struct Distribution {
  int64_t ranks = 1;
  int64_t tensor = 1;         // of them that compute a batch together; a divisor
  int64_t ways = 1;           // sums of a step, of which results are a function; a multiple of ranks / tensor
  std::string shard = "none"; // or "states" or "weights": what each rank owns a share of
  bool overlap = true;        // of exchanges and computation
};

struct PipelineOptions {
  Target target;                       // with the numerics of the program
  std::vector<SizeChoice> sizes;       // of --config and --set, which wins
  std::string preset;                  // of --preset
  std::vector<std::string> optimizers; // of --optimizer
  MemoryChoices memory;
  Distribution distribution;
  bool onlyOnRequest = false; // the program runs only where the user names its device
};

/// What users of stages wait for, in the order in which it comes.
enum class Known {
  nothing,    // of these
  dispatches, // every call of a kernel with what it reads and writes: recorded steps can be compared
  plan,       // all that --plan tells
  kernels,    // described and whole: they may be taken out, to be compiled by themselves
  all
};

/// One stage: what it accepts and promises is in its summary.
struct Stage {
  StringRef name, summary;
  void (*build)(OpPassManager &pm, const PipelineOptions &options);
  Known known = Known::nothing; // once it has run, and not before
};

/// All stages, in order.
ArrayRef<Stage> getStages();

/// Runs what `build` appends to a pipeline, under the options of the command line, its time in `timing`.
LogicalResult runPasses(ModuleOp module, TimingScope &timing, llvm::function_ref<void(OpPassManager &)> build);

} // namespace mlir::nanochat
