// What quantisers to four-bit floats, products of their codes and the kernels of both share.
#pragma once

#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"

namespace mlir::nanochat {

/// How codes of a format are scaled.
struct Fp4Facts {
  Fp4Format format;
  int64_t block; // codes that share a scale
  Format scale;  // which scales are stored in
  int64_t run;   // rows that gradients of weights are transformed in, unless a model says otherwise
};
const Fp4Facts &factsOf(Fp4Format format);

/// The numbers that a stored scale of `type` is one of.
Format scaleFormatOf(Type type);

/// The shape of the scales of codes with blocks along dimension `axis`, and where each code (n, c) has its own.
SmallVector<int64_t> shapeOfScales(ArrayRef<int64_t> codes, int64_t axis, int64_t block);
AffineMap blockMap(MLIRContext *ctx, int64_t axis, int64_t block);

// Of scalars and of vectors alike:

/// The stored scale of blocks whose largest magnitude is `largest`; `tensor` is the tensor's, which mxfp4 lacks.
Value blockScale(ImplicitLocOpBuilder &b, QuantizeFp4Op op, Value largest, Value tensor);
/// What elements of a block are multiplied by before they are rounded.
Value inverseScale(ImplicitLocOpBuilder &b, QuantizeFp4Op op, Value scale, Value tensor, Type type);
/// The codes, in 8 bits, of numbers so multiplied: the nearest, or with `half`, 16 random bits in 32, a neighbour by
/// chance.
Value fp4Code(ImplicitLocOpBuilder &b, Value number, Value half);

/// The sign, −1 or 1, of row `i` of a run of `hadamard`.
int hadamardSign(int64_t i);

/// How many rows the gradient of weights transforms at once, in four-bit floats; 0 for none.
int64_t transformedRows(BackwardAttr backward);

/// The gradients of `op` for its activations and its weights, dy that of its result, as its `backward` says.
Value fp4InputGrad(ImplicitLocOpBuilder &b, TernaryMatmulOp op, Value dy);
Value fp4WeightGrad(ImplicitLocOpBuilder &b, TernaryMatmulOp op, Value dy);

} // namespace mlir::nanochat
