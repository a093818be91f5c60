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

/// The largest code of all formats, twice the number 6.
inline constexpr int64_t kLargestFp4Code = 12;

/// The numbers that a stored scale of `type` is one of.
Format scaleFormatOf(Type type);

/// An error where `axis` is no dimension of a matrix: types are inferred before attributes are verified.
LogicalResult checkAxis(std::optional<Location> loc, int64_t axis);

/// The shape of the scales of codes with blocks along dimension `axis`, and where each code (n, c) has its own.
SmallVector<int64_t> shapeOfScales(ArrayRef<int64_t> codes, int64_t axis, int64_t block);
AffineMap blockMap(MLIRContext *ctx, int64_t axis, int64_t block);

// Of scalars and of vectors alike:

/// The stored scale of blocks whose largest magnitude is `largest`; `tensor` is the tensor's, which mxfp4 lacks.
Value blockScale(ImplicitLocOpBuilder &b, QuantizeFp4Op op, Value largest, Value tensor);
/// |number| in f32 as an integer that rises with it: greater than all others where it is none.
Value magnitude(ImplicitLocOpBuilder &b, Value number);
/// What elements of a block are multiplied by before they are rounded.
Value inverseScale(ImplicitLocOpBuilder &b, QuantizeFp4Op op, Value scale, Value tensor, Type type);
/// The codes, in 8 bits, of numbers so multiplied: the nearest, or with `half`, 16 random bits in 32, a neighbour by
/// chance.
Value fp4Code(ImplicitLocOpBuilder &b, Value number, Value half);

/// A code as E2M1, in the low bits of its integer type, and back; above them are zeros.
Value toE2m1(ImplicitLocOpBuilder &b, Value code);
Value fromE2m1(ImplicitLocOpBuilder &b, Value bits);

/// The sign, −1 or 1, of row `i` of a run of `hadamard`.
int hadamardSign(int64_t i);

/// How many rows the gradient of weights transforms at once, in four-bit floats; 0 for none.
int64_t transformedRows(BackwardAttr backward);

/// An error, with the nearest that would, where `unit` does not divide the `length` of what is summed over in four-bit
/// floats; and of a linear for the products of `backward`.
LogicalResult verifyBlocks(Operation *op, StringRef what, int64_t length, int64_t unit, StringRef of = "gradients");
LogicalResult verifyBlocks(Operation *op, BackwardAttr backward, int64_t tokens, int64_t outputs);

/// What names the product `role` of `site`, and draws for it.
std::string nameOf(StringAttr site, StringRef role);

/// Codes times scales of blocks along `axis`, if there are any, in `element`.
Value dequantizeBlocks(ImplicitLocOpBuilder &b, Value codes, Value scales, unsigned axis, int64_t block, Type element);

/// Gradients of linears whose `backward` says four-bit floats, dy that of the result: for activations of ternary
/// weights t·gamma and of dense ones, and for weights of activations x. `site` is whose random numbers they are rounded
/// by, where they are.
Value fp4InputGrad(ImplicitLocOpBuilder &b, BackwardAttr backward, StringAttr site, Value dy, Value t, Value gamma);
Value fp4InputGrad(ImplicitLocOpBuilder &b, BackwardAttr backward, StringAttr site, Value dy, Value w);
Value fp4WeightGrad(ImplicitLocOpBuilder &b, BackwardAttr backward, StringAttr site, Value dy, Value x);

/// A linear whose `forward` says four-bit floats, without its bias: y, the factors that it multiplies, and what its
/// gradient for weights is to be multiplied by.
Value fp4Linear(ImplicitLocOpBuilder &b, LinearOp op);
Value fp4Input(ImplicitLocOpBuilder &b, LinearOp op);
Value fp4Weight(ImplicitLocOpBuilder &b, LinearOp op);
Value fp4Slope(ImplicitLocOpBuilder &b, LinearOp op);

} // namespace mlir::nanochat
