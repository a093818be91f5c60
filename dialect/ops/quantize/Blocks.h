// Parameters cut into blocks, each of which shares a scale or a moment.
#pragma once

#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"

namespace mlir::nanochat {

/// (blocks, L) of all elements of `param` in row-major order. L is the largest divisor of their number in
/// [block/2, block]; there may be none: then L is `block` and the last block is filled up.
RankedTensorType blocksOf(RankedTensorType param, int64_t block);

/// The elements of `x`, of any shape, as `blocks` of them, and back.
Value toBlocks(ImplicitLocOpBuilder &b, Value x, RankedTensorType blocks);
Value fromBlocks(ImplicitLocOpBuilder &b, Value blocks, RankedTensorType type);

/// `x` as one row of all its elements, and a tensor of as many elements under another shape.
Value flatten(ImplicitLocOpBuilder &b, Value x);
Value reshape(ImplicitLocOpBuilder &b, Value x, ArrayRef<int64_t> shape);

/// Of the rows of `x`, of any rank from 1 on: with a the largest magnitude of a row, a/`most` and its inverse, which
/// is 0 where it would be no finite number (a ≤ most·2⁻¹²⁷).
struct RowScales {
  Value inverse, scales;
};
RowScales scaleRows(ImplicitLocOpBuilder &b, Value x, double most);

/// States "<name>.codes" and "<name>.scales" of a float state of type `param` in 8 bits.
void appendCodedState(SmallVectorImpl<OptimizerState> &states, StringRef name, RankedTensorType param, int64_t block);

} // namespace mlir::nanochat
