// What ops cost, from their iteration spaces.
#pragma once

#include "dialect/Formats.h"

namespace mlir::nanochat {

/// Number of points of the op's iteration space; of the largest result or operand for pointwise ops.
int64_t iterationPoints(Operation *op);

/// Floating or integer operations of one execution, nested loops included; a multiply-add is two.
int64_t getFlops(Operation *op);

/// What the products of an op compute in (FormatFacts::arithmetic); f32 where it has none.
Format getArithmetic(Operation *op);

/// True where recomputing costs much more than reading the result: linears, attention, gathers.
bool isExpensive(Operation *op);

} // namespace mlir::nanochat
