// Element types that programs store, by the numbers of runtime/Abi.h.
#pragma once

#include "mlir/IR/Types.h"
#include "runtime/program/DTypes.h"

namespace mlir::nanochat {

/// That of elements of `element`; none where programs have no such tensors.
std::optional<int32_t> dtypeOf(Type element);

} // namespace mlir::nanochat
