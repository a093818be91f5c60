// The codes of optimizer states in 8 bits: 256 numbers of seven decades (Dettmers et al., arXiv:2110.02861); see
// `quantize_blocks`.
#pragma once

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::nanochat {

/// As FormatFacts has them, on scalars; `storage` is i8.
Value encodeDynamic(ImplicitLocOpBuilder &b, Value number, Type storage);
Value decodeDynamic(ImplicitLocOpBuilder &b, Value element, Type type);
Value encodeDynamicUnsigned(ImplicitLocOpBuilder &b, Value number, Type storage);
Value decodeDynamicUnsigned(ImplicitLocOpBuilder &b, Value element, Type type);

} // namespace mlir::nanochat
