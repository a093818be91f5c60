// Sums over ways, of what ranks have of them.
#pragma once

#include "lib/Distribute/Ways.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::nanochat {

/// Means over all ways of gradients, of which each rank has its own, or (ways of a rank, …) of them. What has begun ends
/// later, in the same order; so many are under way that lanes suffice, and one at a time without `overlap`.
class GradientExchange {
public:
  GradientExchange(const Shares &shares, bool overlap) : shares(shares), overlap(overlap) {}

  /// Begins with `gradient`, at `b`, whose mean is of type `type`.
  void start(ImplicitLocOpBuilder &b, Value gradient, RankedTensorType type);
  /// Ends all, at `b`; returns the means, in the order in which they began.
  SmallVector<Value> finish(ImplicitLocOpBuilder &b);

private:
  struct Gradient {
    RankedTensorType type;
    Value flat;
    ExchangeStartOp slices, means;
    Value whole; // once it has come
  };
  void sum(ImplicitLocOpBuilder &b);
  void gather(ImplicitLocOpBuilder &b);
  Value sumOfStack(ImplicitLocOpBuilder &b, Value stack, RankedTensorType type);

  const Shares shares;
  const bool overlap;
  SmallVector<Gradient> gradients;
  size_t summed = 0, gathered = 0; // of them, in order
};

/// The mean over all ways of numbers (ways of a rank) or one of rank 0.
Value meanOverWays(ImplicitLocOpBuilder &b, Value numbers, const Shares &shares);

/// What rank 0 has.
Value ofFirstRank(ImplicitLocOpBuilder &b, Value value);

} // namespace mlir::nanochat
