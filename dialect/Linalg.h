// Short ways to write decompositions: pointwise maps, reductions and constants on tensors.
#pragma once

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::nanochat {

/// Scalar body of a linalg op: one value per input, then the accumulator of a reduction.
using ScalarBody = llvm::function_ref<Value(ImplicitLocOpBuilder &, ValueRange)>;

/// affine_map<(d0..d{loops-1}) -> (the listed dims)>.
AffineMap projection(MLIRContext *ctx, unsigned loops, ArrayRef<unsigned> dims);

/// From the elements of a matrix to themselves, to one for each row and to one for each column.
struct MatrixMaps {
  AffineMap full, row, column;
  explicit MatrixMaps(MLIRContext *ctx)
      : full(projection(ctx, 2, {0, 1})), row(projection(ctx, 2, {0})), column(projection(ctx, 2, {1})) {}
};

/// A scalar or splat constant of `type` (float or integer, scalar, vector or tensor).
Value constant(ImplicitLocOpBuilder &b, Type type, double value);

/// result[i...] = body(ins at maps(i...)) for all elements of `type`.
Value pointwise(ImplicitLocOpBuilder &b, RankedTensorType type, ValueRange ins, ArrayRef<AffineMap> maps,
                ScalarBody body);

/// The same for tensors of the shape of the first, whose type the result has, and of rank 0, whose element goes with
/// all.
Value pointwise(ImplicitLocOpBuilder &b, ValueRange ins, ScalarBody body);

/// result[outDims] = reduction over all other of `loops` dims, from `init`.
/// `maps` index `ins` by all loop dims; `body` combines inputs with the accumulator (last).
Value reduce(ImplicitLocOpBuilder &b, RankedTensorType type, unsigned loops, ArrayRef<unsigned> outDims, double init,
             ValueRange ins, ArrayRef<AffineMap> maps, ScalarBody body);

/// 0, 1, … in a vector of 32-bit integers: the slices of a loop that counts.
Value risingNumbers(ImplicitLocOpBuilder &b, int64_t count);

/// (N, ...) to (N / rows, rows, ...), rows a divisor of N: a view, no copy.
Value splitRows(ImplicitLocOpBuilder &b, Value x, int64_t rows);

/// The largest divisor of n that is at most `most`; 1 if `most` is less.
int64_t largestDivisor(int64_t n, int64_t most);

/// What `combine` makes of values in a binary tree of neighbours: of the first and the second, the third and the
/// fourth, and so on; then of what came of these.
Value combineInTree(ValueRange values, llvm::function_ref<Value(Value, Value)> combine);

inline Value add(ImplicitLocOpBuilder &b, Value x, Value y) { return arith::AddFOp::create(b, x, y); }
inline Value sub(ImplicitLocOpBuilder &b, Value x, Value y) { return arith::SubFOp::create(b, x, y); }
inline Value mul(ImplicitLocOpBuilder &b, Value x, Value y) { return arith::MulFOp::create(b, x, y); }
inline Value div(ImplicitLocOpBuilder &b, Value x, Value y) { return arith::DivFOp::create(b, x, y); }

/// Bodies of sums, of elements and of products of two.
inline Value sumUp(ImplicitLocOpBuilder &b, ValueRange v) { return add(b, v[1], v[0]); }
inline Value sumProducts(ImplicitLocOpBuilder &b, ValueRange v) { return add(b, v[2], mul(b, v[0], v[1])); }

/// The scalar, vector or tensor type of `shape` with another element.
inline Type withElementOf(Type shape, Type element) {
  auto shaped = dyn_cast<ShapedType>(shape);
  return shaped ? Type(shaped.clone(element)) : element;
}
/// The type of a tensor.
inline RankedTensorType typeOf(Value tensor) { return cast<RankedTensorType>(tensor.getType()); }
/// The type with another element type or shape.
inline RankedTensorType withElement(RankedTensorType t, Type e) { return RankedTensorType::get(t.getShape(), e); }
inline RankedTensorType withShape(RankedTensorType t, ArrayRef<int64_t> s) {
  return RankedTensorType::get(s, t.getElementType());
}

} // namespace mlir::nanochat
