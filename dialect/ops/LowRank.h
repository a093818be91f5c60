// Orders and random numbers that rules with bases need.
#ifndef NANOCHAT_DIALECT_OPS_LOWRANK_H
#define NANOCHAT_DIALECT_OPS_LOWRANK_H

#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"

namespace mlir::nanochat {

/// (s) i32: the indices of `values` (s) from the largest on; of equals, the lower index first.
Value fallingOrder(ImplicitLocOpBuilder &b, Value values);
/// Rows, or columns, of a matrix in an order.
Value takeRows(ImplicitLocOpBuilder &b, Value matrix, Value order);
Value takeColumns(ImplicitLocOpBuilder &b, Value matrix, Value order);
Value transposed(ImplicitLocOpBuilder &b, Value matrix);

/// A number in [0, 1), rank 0, of Philox4x32-10 at (0, 0, id, step) under the key (seed, 0).
Value randomUnit(ImplicitLocOpBuilder &b, Value id, Value step, int64_t seed);

} // namespace mlir::nanochat
#endif
