// Codes of ternary weights as ranks exchange them: two bits each.
#pragma once

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::nanochat {

/// Do so many codes fill bytes?
bool packsTernary(int64_t codes);
/// The bytes of codes that do.
RankedTensorType packedTernary(RankedTensorType codes);
/// Numbers from −1 to 2 in bytes, as two bits each.
Value packTernary(ImplicitLocOpBuilder &b, Value codes);
/// And back, as `codes`.
Value unpackTernary(ImplicitLocOpBuilder &b, Value packed, RankedTensorType codes);

} // namespace mlir::nanochat
