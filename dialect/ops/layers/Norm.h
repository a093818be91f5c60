// What norms and hyper-connections share.
#pragma once

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::nanochat {

/// (N) reciprocal root mean squares of the rows of x (N, C), eps added to the mean.
Value inverseRms(ImplicitLocOpBuilder &b, Value x, double eps);

} // namespace mlir::nanochat
