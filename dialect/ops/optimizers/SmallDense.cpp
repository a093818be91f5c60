// Small dense problems, each one task: Cholesky factors and eigenvectors. Both work on whole rows, which compile to
// vectors.
#include "dialect/ops/optimizers/LowRank.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::nanochat;

//===--- Orders ------------------------------------------------------------------------------===//

Value mlir::nanochat::fallingOrder(ImplicitLocOpBuilder &b, Value values) {
  auto type = typeOf(values);
  Type i32 = b.getI32Type();
  auto indices = withElement(type, i32);
  // What is not a number comes last: places must be a permutation, whatever the values, as they become indices.
  values = pointwise(b, values, [&](ImplicitLocOpBuilder &in, ValueRange v) -> Value {
    Value isNumber = arith::CmpFOp::create(in, arith::CmpFPredicate::ORD, v[0], v[0]);
    Value least = constant(in, type.getElementType(), -std::numeric_limits<double>::infinity());
    return arith::SelectOp::create(in, isNumber, v[0], least);
  });
  AffineMap row = projection(b.getContext(), 2, {0}), column = projection(b.getContext(), 2, {1});
  // How many come before each: its place.
  Value place = reduce(
      b, indices, 2, {0}, 0.0, {values, values}, {row, column}, [&](ImplicitLocOpBuilder &in, ValueRange v) -> Value {
        Value larger = arith::CmpFOp::create(in, arith::CmpFPredicate::OGT, v[1], v[0]),
              same = arith::CmpFOp::create(in, arith::CmpFPredicate::OEQ, v[1], v[0]);
        Value before = arith::CmpIOp::create(in, arith::CmpIPredicate::ult, linalg::IndexOp::create(in, 1),
                                             linalg::IndexOp::create(in, 0));
        Value counts = arith::OrIOp::create(in, larger, arith::AndIOp::create(in, same, before));
        return arith::AddIOp::create(in, v[2], arith::ExtUIOp::create(in, i32, counts));
      });
  // order(place(i)) = i, the only term of a sum.
  return reduce(b, indices, 2, {0}, 0.0, place, column, [&](ImplicitLocOpBuilder &in, ValueRange v) -> Value {
    Value here = arith::IndexCastOp::create(in, i32, linalg::IndexOp::create(in, 0)),
          candidate = arith::IndexCastOp::create(in, i32, linalg::IndexOp::create(in, 1));
    Value isThere = arith::CmpIOp::create(in, arith::CmpIPredicate::eq, v[0], here);
    return arith::AddIOp::create(in, v[1], arith::SelectOp::create(in, isThere, candidate, constant(in, i32, 0)));
  });
}

/// matrix[order(i), j] or matrix[i, order(j)].
static Value take(ImplicitLocOpBuilder &b, Value matrix, Value order, unsigned dim) {
  return pointwise(b, typeOf(matrix), order, projection(b.getContext(), 2, {dim}),
                   [&](ImplicitLocOpBuilder &in, ValueRange v) -> Value {
                     Value from = arith::IndexCastOp::create(in, in.getIndexType(), v[0]),
                           other = linalg::IndexOp::create(in, 1 - dim);
                     return tensor::ExtractOp::create(in, matrix,
                                                      dim ? ValueRange{other, from} : ValueRange{from, other});
                   });
}
Value mlir::nanochat::takeRows(ImplicitLocOpBuilder &b, Value matrix, Value order) { return take(b, matrix, order, 0); }
Value mlir::nanochat::takeColumns(ImplicitLocOpBuilder &b, Value matrix, Value order) {
  return take(b, matrix, order, 1);
}

Value mlir::nanochat::transposed(ImplicitLocOpBuilder &b, Value matrix) {
  auto type = typeOf(matrix);
  return pointwise(b, withShape(type, {type.getDimSize(1), type.getDimSize(0)}), matrix,
                   projection(b.getContext(), 2, {1, 0}), [](ImplicitLocOpBuilder &, ValueRange v) { return v[0]; });
}

//===--- Cholesky factors, eigenvectors ------------------------------------------------------===//

static LogicalResult verifySquare(Operation *op, Value a) {
  auto type = typeOf(a);
  if (type.getDimSize(0) == type.getDimSize(1))
    return success();
  return op->emitOpError("expects a symmetric matrix, found ") << type;
}
LogicalResult CholeskyInverseOp::verify() { return verifySquare(*this, getK()); } // cholesky_inverse-c1
LogicalResult SymmetricEigenOp::verify() { return verifySquare(*this, getA()); }  // symmetric_eigen-c1

DispatchClass CholeskyInverseOp::getDispatchClass() { return DispatchClass::generic; }
DispatchClass SymmetricEigenOp::getDispatchClass() { return DispatchClass::generic; }

LogicalResult SymmetricEigenOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                                 SmallVectorImpl<Type> &types) {
  auto type = typeOf(adaptor.getA());
  types.append({withShape(type, {type.getDimSize(0)}), type});
  return success();
}

static int64_t cube(Value a) {
  int64_t s = typeOf(a).getDimSize(0);
  return s * s * s;
}
int64_t CholeskyInverseOp::getFlops() { return 2 * cube(getK()); }
/// Eight sweeps, as many as well-separated eigenvalues take, of three dot products and a rotation of two rows, twice as
/// long, for each pair.
int64_t SymmetricEigenOp::getFlops() { return 8 * 9 * cube(getA()); }

/// `x` as a float of another width.
static Value convert(ImplicitLocOpBuilder &b, Value x, Type type) {
  unsigned from = x.getType().getIntOrFloatBitWidth(), to = type.getIntOrFloatBitWidth();
  if (from == to)
    return x;
  return from < to ? Value(arith::ExtFOp::create(b, type, x)) : Value(arith::TruncFOp::create(b, type, x));
}

namespace {
/// A matrix of `size` rows that loops rewrite row by row.
struct Rows {
  ImplicitLocOpBuilder &b;
  RankedTensorType type;

  Value index(int64_t i) { return arith::ConstantIndexOp::create(b, i); }

  /// Elements [from, from + count) of row i.
  Value get(Value matrix, Value i, Value from, int64_t count) {
    return tensor::ExtractSliceOp::create(b, withShape(type, {count}), matrix, ArrayRef<OpFoldResult>{i, from},
                                          sizes(count), ones());
  }
  Value put(Value matrix, Value row, Value i, Value from, int64_t count) {
    return tensor::InsertSliceOp::create(b, row, matrix, ArrayRef<OpFoldResult>{i, from}, sizes(count), ones());
  }
  /// body(i, carried) -> carried for i in [lo, hi); the matrix is what is carried first.
  SmallVector<Value> loop(ValueRange carried, Value lo, Value hi,
                          llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
    auto loop = scf::ForOp::create(b, lo, hi, index(1), carried);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    scf::YieldOp::create(b, body(loop.getInductionVar(), loop.getRegionIterArgs()));
    return SmallVector<Value>(loop.getResults());
  }
  /// The matrix beside the identity: (s, 2s), in the type of `type`.
  Value augment(Value a) {
    int64_t s = typeOf(a).getDimSize(0);
    return pointwise(b, type, {}, {}, [&](ImplicitLocOpBuilder &in, ValueRange) -> Value {
      Value i = linalg::IndexOp::create(in, 0), j = linalg::IndexOp::create(in, 1),
            size = arith::ConstantIndexOp::create(in, s);
      Value isLeft = arith::CmpIOp::create(in, arith::CmpIPredicate::ult, j, size);
      Value left =
          convert(in, tensor::ExtractOp::create(in, a, ValueRange{i, arith::SelectOp::create(in, isLeft, j, i)}),
                  type.getElementType());
      Value isOne = arith::CmpIOp::create(in, arith::CmpIPredicate::eq, j, arith::AddIOp::create(in, i, size));
      Value right =
          arith::SelectOp::create(in, isOne, constant(in, left.getType(), 1.0), constant(in, left.getType(), 0.0));
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
  return pointwise(b, {x, y}, [&](ImplicitLocOpBuilder &s, ValueRange v) {
    return add(s, mul(s, v[0], alpha), mul(s, v[1], beta));
  });
}

static Value dot(ImplicitLocOpBuilder &b, Value x, Value y) {
  AffineMap id = b.getMultiDimIdentityMap(1);
  Value sum = reduce(b, withShape(typeOf(x), {}), 1, {}, 0.0, {x, y}, {id, id}, sumProducts);
  return tensor::ExtractOp::create(b, sum, ValueRange());
}

// Gauss elimination of [K | I]: the right half becomes the inverse of the unit lower factor. Step j changes the columns
// behind j on the left and up to j on the right: always s of them in a row.
SmallVector<Value> CholeskyInverseOp::decompose(ImplicitLocOpBuilder &b) {
  auto type = typeOf(getK());
  int64_t s = type.getDimSize(0);
  Type f = type.getElementType();
  Rows rows{b, withShape(type, {s, 2 * s})};
  Value zero = rows.index(0), one = rows.index(1), size = rows.index(s);
  AffineMap diagonal = AffineMap::get(1, 0, {b.getAffineDimExpr(0), b.getAffineDimExpr(0)}, b.getContext());
  Value sum = reduce(b, withShape(type, {}), 1, {}, 0.0, getK(), diagonal, sumUp);
  Value trace = tensor::ExtractOp::create(b, sum, ValueRange());
  Value shift = mul(b, trace, constant(b, f, getShift().convertToDouble()));
  Value least = add(b, mul(b, trace, constant(b, f, 1e-8)), constant(b, f, 1e-30));
  auto pivot = [&](Value matrix, Value j) -> Value {
    return arith::MaximumFOp::create(b, add(b, tensor::ExtractOp::create(b, matrix, ValueRange{j, j}), shift), least);
  };
  Value eliminated = rows.loop(rows.augment(getK()), zero, size, [&](Value j, ValueRange matrix) {
    Value inverse = div(b, constant(b, f, 1.0), pivot(matrix[0], j)), next = arith::AddIOp::create(b, j, one);
    return rows.loop(matrix, next, size, [&](Value i, ValueRange carried) -> SmallVector<Value> {
      Value inner = carried[0];
      Value factor = arith::NegFOp::create(b, mul(b, tensor::ExtractOp::create(b, inner, ValueRange{i, j}), inverse));
      Value row = mix(b, rows.get(inner, i, next, s), constant(b, f, 1.0), rows.get(inner, j, next, s), factor);
      return {rows.put(inner, row, i, next, s)};
    });
  })[0];
  return {pointwise(b, type, {}, {}, [&](ImplicitLocOpBuilder &in, ValueRange) {
    Value i = linalg::IndexOp::create(in, 0), j = linalg::IndexOp::create(in, 1);
    Value d = add(in, tensor::ExtractOp::create(in, eliminated, ValueRange{i, i}), shift);
    Value root = math::SqrtOp::create(in, arith::MaximumFOp::create(in, d, least));
    return div(in, tensor::ExtractOp::create(in, eliminated, ValueRange{i, arith::AddIOp::create(in, j, size)}), root);
  })};
}

/// The cosine between rows of V·A below which they count as orthogonal. Where all do, V diagonalises A to that.
static constexpr double kLargestCosine = 1e-12;

/// Rotates rows p and q of [V·A | V], carried[0], so that those of V·A become orthogonal with the larger one first, if
/// they are not orthogonal; carried[1] counts rotations.
static SmallVector<Value> rotate(Rows &rows, ValueRange carried, Value p, Value q, int64_t s) {
  ImplicitLocOpBuilder &b = rows.b;
  auto number = [&](double v) { return constant(b, rows.type.getElementType(), v); };
  Value zero = rows.index(0);
  Value x = rows.get(carried[0], p, zero, s), y = rows.get(carried[0], q, zero, s);
  Value alpha = dot(b, x, x), beta = dot(b, y, y), gamma = dot(b, x, y);
  Value bound = mul(b, number(kLargestCosine), math::SqrtOp::create(b, mul(b, alpha, beta)));
  Value rotates = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, math::AbsFOp::create(b, gamma), bound);
  Value times = arith::SelectOp::create(b, rotates, rows.index(1), zero);
  Value rotated = rows.loop(carried[0], zero, times, [&](Value, ValueRange inner) -> SmallVector<Value> {
    Value zeta = div(b, sub(b, beta, alpha), mul(b, number(2), gamma));
    Value root = math::SqrtOp::create(b, add(b, number(1), mul(b, zeta, zeta)));
    Value t = div(b, math::CopySignOp::create(b, number(1), zeta), add(b, math::AbsFOp::create(b, zeta), root));
    Value c = div(b, number(1), math::SqrtOp::create(b, add(b, number(1), mul(b, t, t)))), sine = mul(b, c, t);
    // Exchanging the rows is a quarter turn more.
    Value rises = arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, alpha, beta);
    Value cosine = arith::SelectOp::create(b, rises, sine, c);
    sine = arith::SelectOp::create(b, rises, arith::NegFOp::create(b, c), sine);
    Value u = rows.get(inner[0], p, zero, 2 * s), v = rows.get(inner[0], q, zero, 2 * s);
    Value first = mix(b, u, cosine, v, arith::NegFOp::create(b, sine)), second = mix(b, u, sine, v, cosine);
    return {rows.put(rows.put(inner[0], first, p, zero, 2 * s), second, q, zero, 2 * s)};
  })[0];
  return {rotated, arith::AddIOp::create(b, carried[1], times)};
}

/// [V·A | V] with orthogonal rows in V·A: sweeps over all pairs until one rotates nothing, at most `most`.
static Value diagonalize(Rows &rows, Value a, int64_t s, int64_t most) {
  ImplicitLocOpBuilder &b = rows.b;
  Value zero = rows.index(0), one = rows.index(1), size = rows.index(s);
  return rows.loop({rows.augment(a), one}, zero, rows.index(most), [&](Value, ValueRange sweep) {
    Value isDone = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, sweep[1], zero);
    Value end = arith::SelectOp::create(b, isDone, zero, size);
    return rows.loop({sweep[0], zero}, zero, end, [&](Value p, ValueRange outer) {
      return rows.loop(outer, arith::AddIOp::create(b, p, one), size,
                       [&](Value q, ValueRange inner) { return rotate(rows, inner, p, q, s); });
    });
  })[0];
}

SmallVector<Value> SymmetricEigenOp::decompose(ImplicitLocOpBuilder &b) {
  auto type = typeOf(getA());
  int64_t s = type.getDimSize(0);
  Type wide = b.getF64Type();
  Rows rows{b, RankedTensorType::get({s, 2 * s}, wide)};
  Value rotated = diagonalize(rows, getA(), s, getSweeps());
  auto half = [&](int64_t at) {
    SmallVector<OpFoldResult> offsets{b.getIndexAttr(0), b.getIndexAttr(at)},
        sizes{b.getIndexAttr(s), b.getIndexAttr(s)}, ones{b.getIndexAttr(1), b.getIndexAttr(1)};
    return tensor::ExtractSliceOp::create(b, withElement(type, wide), rotated, offsets, sizes, ones);
  };
  AffineMap full = b.getMultiDimIdentityMap(2), row = projection(b.getContext(), 2, {0}),
            id = b.getMultiDimIdentityMap(1);
  Value vectors = half(s);
  Value values =
      reduce(b, RankedTensorType::get({s}, wide), 2, {0}, 0.0, {half(0), vectors}, {full, full}, sumProducts);
  Value order = fallingOrder(b, values);
  auto sorted = [&](RankedTensorType result, Value from, AffineMap map) {
    return pointwise(b, result, order, map, [&](ImplicitLocOpBuilder &in, ValueRange v) -> Value {
      SmallVector<Value> at{arith::IndexCastOp::create(in, in.getIndexType(), v[0])};
      if (result.getRank() == 2)
        at.push_back(linalg::IndexOp::create(in, 1));
      return convert(in, tensor::ExtractOp::create(in, from, at), result.getElementType());
    });
  };
  return {sorted(withShape(type, {s}), values, id), sorted(type, vectors, row)};
}
