// The reverse sweep: from cotangents of a block's results to cotangents of what it used.
//
// Rules live with their ops (DifferentiableOpInterface); ops without a rule are differentiated
// through their decomposition, rebuilt at the point of use so that only operands become residuals.
#pragma once

#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

namespace mlir::nanochat {
class KeptRows;

/// Which values a parameter reaches, and the cotangents gathered so far.
///
/// A cotangent has the shape of its value; its element type is the float type gradients are
/// computed in, also for quantised integer values, where it is the cotangent of what they stand for, and for narrower
/// floats. Where rows of tokens are `kept`, it has these alone.
class Cotangents {
public:
  explicit Cotangents(KeptRows *kept = nullptr) : kept(kept) {}

  /// Does any trained parameter reach `value`?
  bool wants(Value value) const { return active.contains(value); }
  /// Null if nothing was added yet: the cotangent is zero.
  Value of(Value value) const { return map.lookup(value); }
  /// Like `of`, but an explicit zero tensor where nothing was added.
  Value ofOrZero(OpBuilder &b, Value value) const;
  /// Adds to the cotangent of `value`; ignored where no parameter is reached or `grad` is null.
  void add(OpBuilder &b, Value value, Value grad);
  /// `to` stands for `from` from now on.
  void replace(Value from, Value to);
  /// Takes and forgets the cotangent of `value`.
  Value take(Value value);
  /// Nothing is known of `value` any more, which will be erased.
  void forget(Value value);

  /// The type of cotangents of `value`. Gradients have the precision of the first value marked active.
  RankedTensorType typeOf(Value value) const;

  void markActive(Value value);
  /// Marks all that active values reach in `block` and its nested loops; true if anything was new.
  bool propagate(Block &block);

  /// Of which tokens gradients are; null: of all.
  const KeptRows *getKept() const { return kept; }

private:
  KeptRows *kept;
  DenseMap<Value, Value> map;
  DenseSet<Value> active;
  Type precision;
};

/// Sweeps the ops of `block` in reverse, emitting gradients at `b`. On failure an error was emitted
/// at the op that has no gradient.
LogicalResult reverseSweep(OpBuilder &b, Block &block, Cotangents &ct);

/// Emits the gradient of `op`, by its rule or its decomposition.
LogicalResult sweepOp(ImplicitLocOpBuilder &b, Operation *op, Cotangents &ct);

/// Emits the gradient of `op` through its decomposition, cloned at `b`.
LogicalResult vjpByDecomposition(OpBuilder &b, Operation *op, Cotangents &ct);

} // namespace mlir::nanochat
