// Parameters of which each rank owns a part: layers of stacked ones, rows of others, with their states and updates.
#pragma once

#include "lib/Distribute/Ways.h"
#include "llvm/ADT/MapVector.h"

namespace mlir::nanochat {

/// A parameter whose update, and all that is kept for it, can be done by parts of its leading dimension. That does not
/// depend on how many ranks there are.
struct Divisible {
  RankedTensorType whole;
  /// What one of so many ranks has.
  RankedTensorType share(int64_t ranks) const;
  int64_t rows() const { return whole.getDimSize(0); }
};
/// By name.
using DivisibleParams = llvm::MapVector<StringAttr, Divisible>;

/// Those of `module`: matrices of a rule that has them one by one where they are stacked, rows of a rule that has
/// elements one by one, and blocks of states that lie within them. What is small is not worth an exchange.
DivisibleParams findDivisible(ModuleOp module);

/// Has each of the ranks own its share of these: arguments and results of updates, and of what is done between phases,
/// become shares; other entries, but for the gradients that they return, begin with what they read of all shares. What
/// loops make of single layers, such as codes of ternary weights, is made of a rank's own and then gathered; with
/// `byLayer`, what loops over layers read is gathered there, layer by layer (GatherAhead.h).
void shareOut(ModuleOp module, const DivisibleParams &params, int64_t ranks, bool byLayer, bool overlap);

} // namespace mlir::nanochat
