// --budget: what of a model's memory is chosen by the compiler.
#pragma once

#include "lib/Driver/Compile.h"
#include "lib/Planner/Rates.h"
#include "mlir/Support/Timing.h"

namespace mlir::nanochat {

/// Changes `options` to the fastest program of `model` that fits options.budget, and says in options.choice with which
/// options that is. `rates` are of the first row. An error says where none fits, and what would help.
LogicalResult fitBudget(ModuleOp model, CompileOptions &options, const Rates &rates, TimingScope &timing);

} // namespace mlir::nanochat
