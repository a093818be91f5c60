// What ops of residual streams share.
#pragma once

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::nanochat {

/// In a body: of `numbers`, the one whose number index `dim` of its loops is.
Value numberAt(ImplicitLocOpBuilder &b, unsigned dim, ValueRange numbers);

/// An error where the channels of x (N, n·C) are no n streams.
LogicalResult verifyStreams(Operation *op, Value x, int64_t n);

} // namespace mlir::nanochat
