// Sums over ways, of what ranks have of them.
#pragma once

#include "lib/Distribute/Ways.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::nanochat {

/// Means over all ways of gradients, of which each rank has its own, or (ways of a rank, …) of them. What has begun
/// ends later, in the same order; so many are under way that lanes suffice, and one at a time without `overlap`.
class GradientExchange {
public:
  GradientExchange(const Partition &parts, bool overlap) : parts(parts), overlap(overlap) {}

  /// Begins with `gradient`, at `b`, whose mean is of type `type`; of that a rank gets all, or rows, its `share`.
  void start(ImplicitLocOpBuilder &b, Value gradient, RankedTensorType type, std::optional<RankedTensorType> share);
  /// Adds all that has begun, at `b`, so that it is on its way back.
  void sumAll(ImplicitLocOpBuilder &b);
  /// Ends all, at `b`; returns the means, in the order in which they began.
  SmallVector<Value> finish(ImplicitLocOpBuilder &b);

private:
  struct Gradient {
    RankedTensorType type;
    std::optional<RankedTensorType> share;
    Value flat;
    ExchangeStartOp slices, means;
    Value result; // once it has come
    /// Elements of a slice.
    int64_t slice(int64_t ranks) const {
      return share ? share->getNumElements() : int64_t(llvm::divideCeil(type.getNumElements(), ranks));
    }
  };
  void sum(ImplicitLocOpBuilder &b);
  void gather(ImplicitLocOpBuilder &b);
  Value sumOfStack(ImplicitLocOpBuilder &b, Value stack, const Gradient &gradient);

  const Partition parts;
  const bool overlap;
  SmallVector<Gradient> gradients;
  size_t summed = 0, gathered = 0; // of them, in order
};

/// The same of gradients of one layer each, one for each rank's way, while something else is computed: at most
/// kOfLayer.
class LayerExchange {
public:
  LayerExchange(const Partition &parts, ArrayRef<Value> gradients) : parts(parts), layers(gradients) {}

  /// Sends all of them to where they are added.
  void start(ImplicitLocOpBuilder &b);
  /// Adds number `i` once it is there, and has it come back.
  void sum(ImplicitLocOpBuilder &b, size_t i);
  /// All means, once they have come.
  SmallVector<Value> finish(ImplicitLocOpBuilder &b);

private:
  const Partition parts;
  SmallVector<Value> layers;
  SmallVector<ExchangeStartOp> slices, means;
};

/// The mean over all ways of numbers (ways of a rank) or one of rank 0.
Value meanOverWays(ImplicitLocOpBuilder &b, Value numbers, const Partition &parts);

/// What rank 0 has.
Value ofFirstRank(ImplicitLocOpBuilder &b, Value value);

/// What ranks have shares of, one after the other, the last cut off where `whole` ends.
Value gatherShares(ImplicitLocOpBuilder &b, Value share, RankedTensorType whole);
/// The same of numbers from −1 to 2 in bytes, which go as two bits each.
Value gatherTernary(ImplicitLocOpBuilder &b, Value share, RankedTensorType whole);
/// Sends row r of (ranks, …) to rank r; what comes from rank r is row r.
Value sendPieces(ImplicitLocOpBuilder &b, Value byRank);
/// The op of `block` that reads `value` first, itself or in its regions; its terminator where none does.
Operation *firstReader(Value value, Block &block);
/// Has gathers of `block` go on while what comes before their results are read is computed.
void delayGathers(Block &block);

} // namespace mlir::nanochat
