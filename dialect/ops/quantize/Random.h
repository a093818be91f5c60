// Random numbers that update rules draw, besides those of ops.
#pragma once

#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"

namespace mlir::nanochat {

/// In a body: word 0 of an element of `stream` (tensor<3xi32>) in `matrix` at `step`, all i32.
Value randomWord(ImplicitLocOpBuilder &b, Value stream, Value element, Value matrix, Value step);

/// A number of `type` in [0, 1), rank 0, with 24 random bits: word 1 of element 0 of `stream` in `matrix` at `step`, of
/// which random_signs takes word 0.
Value randomUnit(ImplicitLocOpBuilder &b, Type type, Value stream, Value matrix, Value step);

/// Philox4x32-10 of 32-bit words, scalars or vectors; the words of a block.
std::array<Value, 4> philox(ImplicitLocOpBuilder &b, std::array<Value, 4> counter, std::array<Value, 2> key);

/// How many numbers of 16 bits a block has, and number `position` of its words, in 32 bits.
inline constexpr int64_t kHalves = 8;
Value halfOf(ImplicitLocOpBuilder &b, const std::array<Value, 4> &words, int64_t position);

/// The whole number below `number`, or the next where `chance` is less than what lies between.
Value roundByChance(ImplicitLocOpBuilder &b, Value number, Value chance);

/// In a body: 16 random bits (in 32), number `position` (0 to 7) of block `block` at the address; both are indices.
Value randomHalf(ImplicitLocOpBuilder &b, Value address, Value block, Value position);

/// In a body of loops over a matrix with `columns`: that of the element at hand, eight consecutive ones along `axis`
/// sharing a block; blocks are numbered row-major.
Value randomHalfAt(ImplicitLocOpBuilder &b, Value address, int64_t axis, int64_t columns);

/// The address within one of `count` parts of what `address` is of, the `part`-th (rank 0): iteration·count + part.
Value addressWithin(ImplicitLocOpBuilder &b, Value address, Value part, int64_t count);

} // namespace mlir::nanochat
