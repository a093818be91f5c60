// Which ops of a block become one dispatch.
#pragma once

#include "dialect/StepIR.h"

namespace mlir::nanochat {

/// Ops that run as one dispatch, in the order of the block; or a loop alone.
struct OpGroup {
  DispatchClass kind;
  SmallVector<Operation *> ops;
  SmallVector<int64_t> shape; // of a gemm's result; of a pointwise one's
  int64_t rows = 0;           // of row groups; 0 for single numbers
};

/// Groups the ops of `block`, in an order in which they can run; without `fuse` each op is one group. Ops are visited
/// in order; each opens a group or joins that of a producer, if the group's emitter can run it there and the groups
/// stay free of cycles. Views, constants and starts of reductions belong to none.
SmallVector<OpGroup> groupOps(Block &block, bool fuse);

/// Constants and what reductions start from: every dispatch that needs one has its own.
bool isStart(Operation *op);
/// Is it one matrix product, or that of every slice?
bool isContraction(Operation *op);
bool isPointwise(Operation *op);
/// Does the op of `use` read it at its own indices, row by row (or element by element)?
bool readsAligned(OpOperand &use, bool rowOnly);

} // namespace mlir::nanochat
