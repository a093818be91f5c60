// What gradients in integers and the kernels that make their codes share.
#pragma once

#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"

namespace mlir::nanochat {

/// Codes of a matrix whose rows or columns have a scale each, and the largest magnitudes of these.
struct LineCodes {
  Value codes, largest;
};

/// x·s (s one for each row, or null) in codes of `format`, limit/a times as large, a the largest magnitude along
/// `axis`, in all `among` ranks of a group; rounded to nearest, or with `draws`, in int8, by `quantize_stochastic`, for
/// which a is of this rank alone.
LineCodes quantizeLines(ImplicitLocOpBuilder &b, Format format, Value x, Value s, int64_t axis, double limit,
                        Value draws = {}, int64_t among = 1);

// Of scalars and of vectors alike:

/// limit/largest, or 0 where that would be no number.
Value inverseOfLine(ImplicitLocOpBuilder &b, Value largest, double limit);
/// The code, in 8 bits and at most `limit`, of a number that `half`, 16 random bits in 32, rounds to a neighbour.
Value stochasticCode(ImplicitLocOpBuilder &b, Value number, Value half, double limit);

} // namespace mlir::nanochat
