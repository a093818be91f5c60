// Layers that no rank has all of: each rank keeps a part of every layer, and loops over layers gather one at a time,
// while the one before is computed.
#pragma once

#include "dialect/StepIR.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::nanochat {

/// A stack of layers of which loops read slices, and nobody all.
struct ApartLayers {
  Value whole;    // stands for it in the loops; nothing makes it
  Value share;    // the layers of this rank: (layers of a rank, …)
  bool isTernary; // `share` has two bits for each code of `whole`
};

/// Does anything read `value`, and only loops by its layers?
bool isReadByLayers(Value value);

/// Stands for a stack that nothing makes.
Value standFor(ImplicitLocOpBuilder &b, RankedTensorType whole);

/// Spreads shares of layers over ranks, behind what makes them, and has loops of `block` gather what they read of
/// `layers`, which goes away: one layer ahead with `overlap`, else where it is read.
void gatherAhead(Block &block, ArrayRef<ApartLayers> layers, int64_t ranks, bool overlap);

} // namespace mlir::nanochat
