// Bases of the range of a matrix: CholeskyQR, the randomised SVD, and when to take a new one.
#include "dialect/ops/optimizers/LowRank.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::nanochat;

//===--- orthonormalize ----------------------------------------------------------------------===//

LogicalResult OrthonormalizeOp::verify() {
  if (typeOf(getY()).getDimSize(0) >= typeOf(getY()).getDimSize(1))
    return success();
  return emitOpError("makes columns orthonormal, which no ") << typeOf(getY()) << " has so many of; transpose it";
}

SmallVector<Value> OrthonormalizeOp::decompose(ImplicitLocOpBuilder &b) {
  Value y = getY();
  for (double shift : {1e-6, 0.0, 0.0}) {
    Value gram = MatmulOp::create(b, y, y, true, false);
    Value inverse = CholeskyInverseOp::create(b, gram, llvm::APFloat(shift));
    y = MatmulOp::create(b, y, inverse, false, true);
  }
  return {y};
}

static int64_t orthonormalizeFlops(int64_t m, int64_t s) { return 3 * (4 * m * s * s + 2 * s * s * s); }
int64_t OrthonormalizeOp::getFlops() {
  return orthonormalizeFlops(typeOf(getY()).getDimSize(0), typeOf(getY()).getDimSize(1));
}

//===--- low_rank_basis ----------------------------------------------------------------------===//

LogicalResult LowRankBasisOp::verify() {
  auto g = typeOf(getG());
  int64_t smaller = std::min(g.getDimSize(0), g.getDimSize(1)), rank = getP().getType().getDimSize(1);
  if (getP().getType().getDimSize(0) != smaller || rank < 1 || rank > smaller)
    return emitOpError("finds a basis ") << getP().getType() << " for " << g << ", expected (" << smaller
                                         << ", r) with r from 1 to " << smaller;
  return success();
}

/// y/‖y‖ + 1e-5·signs/‖signs‖: whatever the rank and size of y, its columns are independent.
static Value completed(ImplicitLocOpBuilder &b, Value y, Value signs) {
  RankedTensorType type = typeOf(y);
  double noise = 1e-5 / std::sqrt(double(type.getNumElements()));
  Value norm = GradNormOp::create(b, ValueRange{y});
  return pointwise(b, {y, norm, signs}, [&](ImplicitLocOpBuilder &s, ValueRange v) {
    Type f = v[0].getType();
    Value unit = div(s, v[0], add(s, v[1], constant(s, f, 1e-30)));
    return add(s, unit, mul(s, v[2], constant(s, f, noise)));
  });
}

SmallVector<Value> LowRankBasisOp::decompose(ImplicitLocOpBuilder &b) {
  RankedTensorType type = typeOf(getG());
  bool tall = type.getDimSize(0) > type.getDimSize(1); // then g stands for its transpose
  int64_t m = std::min(type.getDimSize(0), type.getDimSize(1)), n = std::max(type.getDimSize(0), type.getDimSize(1));
  int64_t rank = getP().getType().getDimSize(1), s = std::min<int64_t>(m, rank + getOversample());
  int64_t drawn = 0; // of the stream's elements
  auto signs = [&](int64_t rows) -> Value {
    auto draw = RandomSignsOp::create(b, withShape(type, {rows, s}), getStream(), getMatrix(), getStep());
    draw.setFirst(drawn);
    drawn += rows * s;
    return draw;
  };
  auto times = [&](Value x, bool transposed) -> Value {
    return MatmulOp::create(b, getG(), x, tall != transposed, false);
  };
  auto basisOf = [&](Value y) -> Value {
    return OrthonormalizeOp::create(b, completed(b, y, signs(typeOf(y).getDimSize(0))));
  };
  Value q = basisOf(times(signs(n), false));
  for (int64_t i = 0; i < int64_t(getIterations()); ++i)
    q = basisOf(times(basisOf(times(q, true)), false));
  Value image = times(q, true); // gᵀ·q (n, s)
  Value gram = MatmulOp::create(b, image, image, true, false);
  auto eigen = SymmetricEigenOp::create(b, gram);
  Value vectors = eigen.getVectors();
  if (rank < s) {
    vectors = pointwise(b, withShape(type, {rank, s}), {}, {}, [&](ImplicitLocOpBuilder &in, ValueRange) -> Value {
      return tensor::ExtractOp::create(in, eigen.getVectors(),
                                       ValueRange{linalg::IndexOp::create(in, 0), linalg::IndexOp::create(in, 1)});
    });
  }
  return {MatmulOp::create(b, q, vectors, false, true)};
}

int64_t LowRankBasisOp::getFlops() {
  RankedTensorType type = typeOf(getG());
  int64_t m = std::min(type.getDimSize(0), type.getDimSize(1)), n = std::max(type.getDimSize(0), type.getDimSize(1));
  int64_t s = std::min<int64_t>(m, getP().getType().getDimSize(1) + getOversample()), q = getIterations();
  return (2 * q + 2) * 2 * m * n * s + (q + 1) * orthonormalizeFlops(m, s) + q * orthonormalizeFlops(n, s) +
         2 * n * s * s + 72 * s * s * s;
}

//===--- refresh_schedule --------------------------------------------------------------------===//

SmallVector<Value> RefreshScheduleOp::decompose(ImplicitLocOpBuilder &b) {
  auto type = typeOf(getDue());
  return {pointwise(b, type, getStep(), projection(getContext(), type.getRank(), {}),
                    [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
                      Type i32 = s.getI32Type();
                      auto number = [&](int64_t n) { return constant(s, i32, n); };
                      Value l = type.getRank() ? arith::IndexCastOp::create(s, i32, linalg::IndexOp::create(s, 0))
                                               : number(0);
                      Value k = arith::AddIOp::create(s, l, number(getFirst()));
                      Value offset =
                          arith::DivUIOp::create(s, arith::MulIOp::create(s, k, number(getPeriod())), number(getOf()));
                      Value phase = arith::RemUIOp::create(s, v[0], number(getPeriod()));
                      Value isTurn = arith::CmpIOp::create(s, arith::CmpIPredicate::eq, phase, offset);
                      Value isFirst = arith::CmpIOp::create(s, arith::CmpIPredicate::eq, v[0], number(0));
                      return arith::SelectOp::create(s, arith::OrIOp::create(s, isTurn, isFirst),
                                                     arith::AddIOp::create(s, l, number(1)), number(0));
                    })};
}
