// What activations and gates share.
#pragma once

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::nanochat {

/// 1 / (1 + exp(−x)); exp may overflow to infinity, of which the result is 0.
Value sigmoid(ImplicitLocOpBuilder &s, Value x);

} // namespace mlir::nanochat
