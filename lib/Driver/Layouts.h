// Ways to spread a step over the same ranks, side by side.
#pragma once

#include "lib/Driver/Compile.h"
#include "lib/Planner/Rates.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/JSON.h"

namespace mlir::nanochat {

/// What a step of `model` on the ranks of `row` takes where all have batches of their own, and where groups of them
/// compute a batch together; what does not compile so is left out. Of two to eight ranks with a network. `planned` is
/// the model after stage `emit`, as `row` has it.
llvm::json::Array compareLayouts(ModuleOp model, ModuleOp planned, const PipelineOptions &row,
                                 const CompileOptions &options, const Rates &rates, TimingScope &timing);

} // namespace mlir::nanochat
