// --budget: what of a model's memory is chosen by the compiler.
#pragma once

#include "lib/Driver/Candidates.h"

namespace mlir::nanochat {

/// What a user could change so that a program fits.
struct WayOut {
  std::string options; // in place of those of the same names
  Evaluation evaluation;
};

/// Changes `options` to the fastest program of `model` that fits options.budget, and says in options.choice with which
/// options that is. `rates` are of the first row. An error says where none fits, and `waysOut` are what would help.
LogicalResult fitBudget(ModuleOp model, CompileOptions &options, const Rates &rates, TimingScope &timing,
                        std::vector<WayOut> &waysOut);

} // namespace mlir::nanochat
