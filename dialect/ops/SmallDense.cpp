// Small dense problems, each one task: Cholesky factors and eigenvectors. Both work on whole rows, which compile to
// vectors.
#include "dialect/ops/LowRank.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::nanochat;

//===------------------------------------------------------------------------------------------===//
// Orders
//===------------------------------------------------------------------------------------------===//

Value mlir::nanochat::fallingOrder(ImplicitLocOpBuilder &b, Value values) {
  auto type = cast<RankedTensorType>(values.getType());
  Type i32 = b.getI32Type();
  auto indices = withElement(type, i32);
  AffineMap row = projection(b.getContext(), 2, {0}), column = projection(b.getContext(), 2, {1});
  // How many come before each: its place.
  Value place = reduce(b, indices, 2, {0}, 0.0, {values, values}, {row, column}, [&](ImplicitLocOpBuilder &in, ValueRange v) -> Value {
    Value larger = arith::CmpFOp::create(in, arith::CmpFPredicate::OGT, v[1], v[0]), same = arith::CmpFOp::create(in, arith::CmpFPredicate::OEQ, v[1], v[0]);
    Value before = arith::CmpIOp::create(in, arith::CmpIPredicate::ult, linalg::IndexOp::create(in, 1), linalg::IndexOp::create(in, 0));
    Value counts = arith::OrIOp::create(in, larger, arith::AndIOp::create(in, same, before));
    return arith::AddIOp::create(in, v[2], arith::ExtUIOp::create(in, i32, counts));
  });
  // order(place(i)) = i, the only term of a sum.
  return reduce(b, indices, 2, {0}, 0.0, place, column, [&](ImplicitLocOpBuilder &in, ValueRange v) -> Value {
    Value here = arith::IndexCastOp::create(in, i32, linalg::IndexOp::create(in, 0)), candidate = arith::IndexCastOp::create(in, i32, linalg::IndexOp::create(in, 1));
    Value isThere = arith::CmpIOp::create(in, arith::CmpIPredicate::eq, v[0], here);
    return arith::AddIOp::create(in, v[1], arith::SelectOp::create(in, isThere, candidate, constant(in, i32, 0)));
  });
}

/// matrix[order(i), j] or matrix[i, order(j)].
static Value take(ImplicitLocOpBuilder &b, Value matrix, Value order, unsigned dim) {
  return pointwise(b, cast<RankedTensorType>(matrix.getType()), order, projection(b.getContext(), 2, {dim}), [&](ImplicitLocOpBuilder &in, ValueRange v) -> Value {
    Value from = arith::IndexCastOp::create(in, in.getIndexType(), v[0]), other = linalg::IndexOp::create(in, 1 - dim);
    return tensor::ExtractOp::create(in, matrix, dim ? ValueRange{other, from} : ValueRange{from, other});
  });
}
Value mlir::nanochat::takeRows(ImplicitLocOpBuilder &b, Value matrix, Value order) { return take(b, matrix, order, 0); }
Value mlir::nanochat::takeColumns(ImplicitLocOpBuilder &b, Value matrix, Value order) { return take(b, matrix, order, 1); }

Value mlir::nanochat::transposed(ImplicitLocOpBuilder &b, Value matrix) {
  auto type = cast<RankedTensorType>(matrix.getType());
  return pointwise(b, withShape(type, {type.getDimSize(1), type.getDimSize(0)}), matrix, projection(b.getContext(), 2, {1, 0}),
                   [](ImplicitLocOpBuilder &, ValueRange v) { return v[0]; });
}

//===------------------------------------------------------------------------------------------===//
// Cholesky factors, eigenvectors
//===------------------------------------------------------------------------------------------===//

static LogicalResult verifySquare(Operation *op, Value a) {
  auto type = cast<RankedTensorType>(a.getType());
  if (type.getDimSize(0) == type.getDimSize(1))
    return success();
  return op->emitOpError("expects a symmetric matrix, found ") << type;
}
LogicalResult CholeskyInverseOp::verify() { return verifySquare(*this, getK()); } // cholesky_inverse-c1
LogicalResult SymmetricEigenOp::verify() { return verifySquare(*this, getA()); }  // symmetric_eigen-c1

DispatchClass CholeskyInverseOp::getDispatchClass() { return DispatchClass::generic; }
DispatchClass SymmetricEigenOp::getDispatchClass() { return DispatchClass::generic; }

LogicalResult CholeskyInverseOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor, SmallVectorImpl<Type> &types) {
  types.push_back(adaptor.getK().getType());
  return success();
}

LogicalResult SymmetricEigenOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor, SmallVectorImpl<Type> &types) {
  auto type = cast<RankedTensorType>(adaptor.getA().getType());
  types.append({withShape(type, {type.getDimSize(0)}), type});
  return success();
}

static int64_t cube(Value a) {
  int64_t s = cast<RankedTensorType>(a.getType()).getDimSize(0);
  return s * s * s;
}
int64_t CholeskyInverseOp::getFlops() { return 2 * cube(getK()); }
/// About eight sweeps of three dot products and a rotation of two rows, twice as long, for each pair.
int64_t SymmetricEigenOp::getFlops() { return 8 * 9 * cube(getA()); }

namespace {
/// A matrix of `size` rows that loops rewrite row by row.
struct Rows {
  ImplicitLocOpBuilder &b;
  RankedTensorType type;

  Value index(int64_t i) { return arith::ConstantIndexOp::create(b, i); }

  /// Elements [from, from + count) of row i.
  Value get(Value matrix, Value i, Value from, int64_t count) {
    return tensor::ExtractSliceOp::create(b, withShape(type, {count}), matrix, ArrayRef<OpFoldResult>{i, from}, sizes(count), ones());
  }
  Value put(Value matrix, Value row, Value i, Value from, int64_t count) {
    return tensor::InsertSliceOp::create(b, row, matrix, ArrayRef<OpFoldResult>{i, from}, sizes(count), ones());
  }
  /// body(i, matrix) -> matrix for i in [lo, hi).
  Value loop(Value matrix, Value lo, Value hi, llvm::function_ref<Value(Value, Value)> body) {
    auto loop = scf::ForOp::create(b, lo, hi, index(1), matrix);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    scf::YieldOp::create(b, body(loop.getInductionVar(), loop.getRegionIterArg(0)));
    return loop.getResult(0);
  }
  /// The matrix beside the identity: (s, 2s).
  Value augment(Value a) {
    int64_t s = cast<RankedTensorType>(a.getType()).getDimSize(0);
    return pointwise(b, type, {}, {}, [&](ImplicitLocOpBuilder &in, ValueRange) -> Value {
      Value i = linalg::IndexOp::create(in, 0), j = linalg::IndexOp::create(in, 1), size = arith::ConstantIndexOp::create(in, s);
      Value isLeft = arith::CmpIOp::create(in, arith::CmpIPredicate::ult, j, size);
      Value left = tensor::ExtractOp::create(in, a, ValueRange{i, arith::SelectOp::create(in, isLeft, j, i)});
      Value isOne = arith::CmpIOp::create(in, arith::CmpIPredicate::eq, j, arith::AddIOp::create(in, i, size));
      Value right = arith::SelectOp::create(in, isOne, constant(in, left.getType(), 1.0), constant(in, left.getType(), 0.0));
      return arith::SelectOp::create(in, isLeft, left, right);
    });
  }

private:
  SmallVector<OpFoldResult> sizes(int64_t count) { return {b.getIndexAttr(1), b.getIndexAttr(count)}; }
  SmallVector<OpFoldResult> ones() { return {b.getIndexAttr(1), b.getIndexAttr(1)}; }
};
} // namespace

/// x·α + y·β of two rows, with scalars α and β.
static Value mix(ImplicitLocOpBuilder &b, Value x, Value alpha, Value y, Value beta) {
  AffineMap id = b.getMultiDimIdentityMap(1);
  return pointwise(b, cast<RankedTensorType>(x.getType()), {x, y}, {id, id}, [&](ImplicitLocOpBuilder &s, ValueRange v) {
    return add(s, mul(s, v[0], alpha), mul(s, v[1], beta));
  });
}

static Value dot(ImplicitLocOpBuilder &b, Value x, Value y) {
  AffineMap id = b.getMultiDimIdentityMap(1);
  Value sum = reduce(b, withShape(cast<RankedTensorType>(x.getType()), {}), 1, {}, 0.0, {x, y}, {id, id},
                     [](ImplicitLocOpBuilder &s, ValueRange v) { return add(s, v[2], mul(s, v[0], v[1])); });
  return tensor::ExtractOp::create(b, sum, ValueRange());
}

// Gauss elimination of [K | I]: the right half becomes the inverse of the unit lower factor. Step j changes the columns
// behind j on the left and up to j on the right: always s of them in a row.
FailureOr<SmallVector<Value>> CholeskyInverseOp::decomposeOperation(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  auto type = cast<RankedTensorType>(getK().getType());
  int64_t s = type.getDimSize(0);
  Type f = type.getElementType();
  Rows rows{b, withShape(type, {s, 2 * s})};
  Value zero = rows.index(0), one = rows.index(1), size = rows.index(s);
  AffineMap diagonal = AffineMap::get(1, 0, {b.getAffineDimExpr(0), b.getAffineDimExpr(0)}, b.getContext());
  Value sum = reduce(b, withShape(type, {}), 1, {}, 0.0, getK(), diagonal, [](ImplicitLocOpBuilder &in, ValueRange v) { return add(in, v[1], v[0]); });
  Value trace = tensor::ExtractOp::create(b, sum, ValueRange());
  Value shift = mul(b, trace, constant(b, f, getShift().convertToDouble()));
  Value least = add(b, mul(b, trace, constant(b, f, 1e-8)), constant(b, f, 1e-30));
  auto pivot = [&](Value matrix, Value j) -> Value {
    return arith::MaximumFOp::create(b, add(b, tensor::ExtractOp::create(b, matrix, ValueRange{j, j}), shift), least);
  };
  Value eliminated = rows.loop(rows.augment(getK()), zero, size, [&](Value j, Value matrix) {
    Value inverse = div(b, constant(b, f, 1.0), pivot(matrix, j)), next = arith::AddIOp::create(b, j, one);
    return rows.loop(matrix, next, size, [&](Value i, Value inner) {
      Value factor = arith::NegFOp::create(b, mul(b, tensor::ExtractOp::create(b, inner, ValueRange{i, j}), inverse));
      Value row = mix(b, rows.get(inner, i, next, s), constant(b, f, 1.0), rows.get(inner, j, next, s), factor);
      return rows.put(inner, row, i, next, s);
    });
  });
  return SmallVector<Value>{pointwise(b, type, {}, {}, [&](ImplicitLocOpBuilder &in, ValueRange) {
    Value i = linalg::IndexOp::create(in, 0), j = linalg::IndexOp::create(in, 1);
    Value d = add(in, tensor::ExtractOp::create(in, eliminated, ValueRange{i, i}), shift);
    Value root = math::SqrtOp::create(in, arith::MaximumFOp::create(in, d, least));
    return div(in, tensor::ExtractOp::create(in, eliminated, ValueRange{i, arith::AddIOp::create(in, j, size)}), root);
  })};
}

/// Rotates rows p and q of [V·A | V] so that those of V·A become orthogonal, if they are not.
static Value rotate(Rows &rows, Value matrix, Value p, Value q, int64_t s) {
  ImplicitLocOpBuilder &b = rows.b;
  Type f = rows.type.getElementType();
  auto number = [&](double v) { return constant(b, f, v); };
  Value zero = rows.index(0);
  Value x = rows.get(matrix, p, zero, s), y = rows.get(matrix, q, zero, s);
  Value alpha = dot(b, x, x), beta = dot(b, y, y), gamma = dot(b, x, y);
  Value bound = mul(b, number(f.isF64() ? 1e-15 : 1e-6), math::SqrtOp::create(b, mul(b, alpha, beta)));
  Value rotates = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, math::AbsFOp::create(b, gamma), bound);
  Value times = arith::SelectOp::create(b, rotates, rows.index(1), zero);
  return rows.loop(matrix, zero, times, [&](Value, Value inner) {
    Value zeta = div(b, sub(b, beta, alpha), mul(b, number(2), gamma));
    Value root = math::SqrtOp::create(b, add(b, number(1), mul(b, zeta, zeta)));
    Value t = div(b, math::CopySignOp::create(b, number(1), zeta), add(b, math::AbsFOp::create(b, zeta), root));
    Value c = div(b, number(1), math::SqrtOp::create(b, add(b, number(1), mul(b, t, t)))), sine = mul(b, c, t);
    Value u = rows.get(inner, p, zero, 2 * s), v = rows.get(inner, q, zero, 2 * s);
    Value first = mix(b, u, c, v, arith::NegFOp::create(b, sine)), second = mix(b, u, sine, v, c);
    return rows.put(rows.put(inner, first, p, zero, 2 * s), second, q, zero, 2 * s);
  });
}

FailureOr<SmallVector<Value>> SymmetricEigenOp::decomposeOperation(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  auto type = cast<RankedTensorType>(getA().getType());
  int64_t s = type.getDimSize(0);
  auto vector = withShape(type, {s});
  Rows rows{b, withShape(type, {s, 2 * s})};
  Value zero = rows.index(0), one = rows.index(1), size = rows.index(s);
  Value rotated = rows.loop(rows.augment(getA()), zero, rows.index(getSweeps()), [&](Value, Value sweep) {
    return rows.loop(sweep, zero, size, [&](Value p, Value outer) {
      return rows.loop(outer, arith::AddIOp::create(b, p, one), size, [&](Value q, Value inner) { return rotate(rows, inner, p, q, s); });
    });
  });
  auto half = [&](int64_t at) {
    SmallVector<OpFoldResult> offsets{b.getIndexAttr(0), b.getIndexAttr(at)}, sizes{b.getIndexAttr(s), b.getIndexAttr(s)},
        ones{b.getIndexAttr(1), b.getIndexAttr(1)};
    return tensor::ExtractSliceOp::create(b, type, rotated, offsets, sizes, ones);
  };
  AffineMap full = b.getMultiDimIdentityMap(2);
  Value vectors = half(s);
  Value values = reduce(b, vector, 2, {0}, 0.0, {half(0), vectors}, {full, full},
                        [](ImplicitLocOpBuilder &in, ValueRange v) { return add(in, v[2], mul(in, v[0], v[1])); });
  Value order = fallingOrder(b, values);
  AffineMap id = b.getMultiDimIdentityMap(1);
  Value sorted = pointwise(b, vector, order, id, [&](ImplicitLocOpBuilder &in, ValueRange v) -> Value {
    return tensor::ExtractOp::create(in, values, ValueRange{arith::IndexCastOp::create(in, in.getIndexType(), v[0])});
  });
  return SmallVector<Value>{sorted, takeRows(b, vectors, order)};
}
