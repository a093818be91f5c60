// What quantisers and products of codes share.
#ifndef NANOCHAT_DIALECT_OPS_QUANTIZE_H
#define NANOCHAT_DIALECT_OPS_QUANTIZE_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::nanochat {

/// One scale s (N) per row of q (N, C).
LogicalResult verifyRowScales(Operation *op, Value q, Value s);

/// A scalar gamma, or one per row and group of consecutive inputs of t (out, in).
LogicalResult verifyWeightScales(Operation *op, Value t, Value gamma);

/// `group` is 0 or divides the inputs of w (out, in).
LogicalResult verifyGroup(Operation *op, int64_t group, Value w);

/// Which element of gamma scales t[out, in], for the given dimensions of `loops` loops.
AffineMap weightScaleMap(Value t, Value gamma, unsigned loops, unsigned out, unsigned in);

/// (rows, C) as (rows, groups, C/groups).
Value splitGroups(ImplicitLocOpBuilder &b, Value matrix, int64_t groups);

} // namespace mlir::nanochat
#endif
