// Orders that rules with bases need.
#pragma once

#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"

namespace mlir::nanochat {

/// (s) i32: the indices of `values` (s) from the largest on; of equals, the lower index first.
Value fallingOrder(ImplicitLocOpBuilder &b, Value values);
/// Rows, or columns, of a matrix in an order.
Value takeRows(ImplicitLocOpBuilder &b, Value matrix, Value order);
Value takeColumns(ImplicitLocOpBuilder &b, Value matrix, Value order);
Value transposed(ImplicitLocOpBuilder &b, Value matrix);

} // namespace mlir::nanochat
