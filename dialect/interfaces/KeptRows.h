// Gradients of some tokens only: those that an objective's filter keeps.
//
// Gradients of all others are zero, and the sweep computes none of them: a cotangent of a value with one row per token
// has one per kept token. What rules read of forward values are then these rows as well, gathered where the gradient is
// formed. Most rules need not know: the sweep applies them to the op on kept rows (`sweepOnRows`), for which a mean
// over tokens is one over those kept. Ops in which tokens meet or their places count say it themselves
// (`AcrossTokensOpInterface`).
#pragma once

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/DenseMap.h"

namespace mlir::nanochat {
class Cotangents;

class KeptRows {
public:
  /// `rows` (kept) are tokens of a batch, rising.
  explicit KeptRows(Value rows) : rows(rows) {}

  /// Finds which values of `block` and its loops have a dimension for tokens, as dimension 0 of `perToken` is.
  void follow(Block &block, ValueRange perToken);
  /// `to` stands for `from` from now on.
  void replace(Value from, Value to);

  Value getRows() const { return rows; }
  /// `type`, a type of the shape of `value`, for kept rows alone.
  RankedTensorType typeFor(Value value, RankedTensorType type) const;
  /// The kept rows of `value`, one of the first dimension for each token.
  Value gather(OpBuilder &b, Value value) const;
  /// The gradient of `op` by that of the op on kept rows.
  LogicalResult sweepOnRows(ImplicitLocOpBuilder &b, Operation *op, Cotangents &ct) const;

private:
  bool followOnce(Block &block);
  bool mark(Value value, std::optional<unsigned> dim);
  std::optional<unsigned> dimOf(Value value) const;

  Value rows;
  DenseMap<Value, unsigned> dims; // for tokens
};

/// The op of `result` for the rows `rows` of it alone, of which its results are these rows; null if there is none.
Operation *buildOnRows(ImplicitLocOpBuilder &b, OpResult result, Value rows);

/// Where in its sequence of `seq` tokens each of `rows` is.
Value positionsOf(ImplicitLocOpBuilder &b, Value rows, int64_t seq);

} // namespace mlir::nanochat
