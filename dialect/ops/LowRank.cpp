// Bases of the range of a matrix: random sketches, CholeskyQR, the randomised SVD, and when to take a new one.
#include "dialect/ops/LowRank.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::nanochat;

static RankedTensorType typeOf(Value v) { return cast<RankedTensorType>(v.getType()); }

//===------------------------------------------------------------------------------------------===//
// random_signs
//===------------------------------------------------------------------------------------------===//

/// The high and low halves of a·b, 32 bits each.
static std::pair<Value, Value> product(ImplicitLocOpBuilder &s, Value a, uint32_t b) {
  Type i32 = s.getI32Type(), i64 = s.getI64Type();
  Value wide = arith::MulIOp::create(s, arith::ExtUIOp::create(s, i64, a), constant(s, i64, double(b)));
  Value high = arith::ShRUIOp::create(s, wide, constant(s, i64, 32));
  return {arith::TruncIOp::create(s, i32, high), arith::TruncIOp::create(s, i32, wide)};
}

/// Word 0 of Philox4x32-10 at `counter` under the key (seed, 0); runtime/Philox.h is the same for the host.
static Value philox(ImplicitLocOpBuilder &s, std::array<Value, 4> counter, uint32_t seed) {
  std::array<uint32_t, 2> key{seed, 0};
  auto word = [&](uint32_t v) { return arith::ConstantOp::create(s, s.getI32IntegerAttr(int32_t(v))); };
  auto exor = [&](Value x, Value y) -> Value { return arith::XOrIOp::create(s, x, y); };
  for (int round = 0; round < 10; ++round) {
    auto [high0, low0] = product(s, counter[0], 0xD2511F53u);
    auto [high1, low1] = product(s, counter[2], 0xCD9E8D57u);
    counter = {exor(exor(high1, counter[1]), word(key[0])), low1, exor(exor(high0, counter[3]), word(key[1])), low0};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter[0];
}

Value mlir::nanochat::randomUnit(ImplicitLocOpBuilder &b, Value id, Value step, int64_t seed) {
  auto type = RankedTensorType::get({}, b.getF32Type());
  AffineMap scalar = b.getMultiDimIdentityMap(0);
  return pointwise(b, type, {id, step}, {scalar, scalar}, [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
    Value zero = constant(s, s.getI32Type(), 0);
    Value bits = arith::ShRUIOp::create(s, philox(s, {zero, zero, v[0], v[1]}, uint32_t(seed)), constant(s, s.getI32Type(), 8));
    return mul(s, arith::UIToFPOp::create(s, s.getF32Type(), bits), constant(s, s.getF32Type(), std::exp2(-24)));
  });
}

FailureOr<SmallVector<Value>> RandomSignsOp::decomposeOperation(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  RankedTensorType type = getX().getType();
  AffineMap scalar = projection(getContext(), 2, {});
  return SmallVector<Value>{pointwise(b, type, {getId(), getStep()}, {scalar, scalar}, [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
    Value row = linalg::IndexOp::create(s, 0), width = arith::ConstantIndexOp::create(s, type.getDimSize(1));
    Value element = arith::AddIOp::create(s, arith::MulIOp::create(s, row, width), linalg::IndexOp::create(s, 1));
    Value zero = constant(s, s.getI32Type(), 0), one = constant(s, s.getI32Type(), 1);
    Value bits = philox(s, {arith::IndexCastOp::create(s, s.getI32Type(), element), zero, v[0], v[1]}, uint32_t(getSeed()));
    Value isOne = arith::CmpIOp::create(s, arith::CmpIPredicate::eq, arith::AndIOp::create(s, bits, one), one);
    return arith::SelectOp::create(s, isOne, constant(s, type.getElementType(), 1.0), constant(s, type.getElementType(), -1.0));
  })};
}

//===------------------------------------------------------------------------------------------===//
// orthonormalize
//===------------------------------------------------------------------------------------------===//

LogicalResult OrthonormalizeOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor, SmallVectorImpl<Type> &types) {
  types.push_back(adaptor.getY().getType());
  return success();
}

LogicalResult OrthonormalizeOp::verify() {
  if (typeOf(getY()).getDimSize(0) >= typeOf(getY()).getDimSize(1))
    return success();
  return emitOpError("makes columns orthonormal, which no ") << typeOf(getY()) << " has so many of; transpose it";
}

FailureOr<SmallVector<Value>> OrthonormalizeOp::decomposeOperation(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Value y = getY();
  for (double shift : {1e-6, 0.0, 0.0}) {
    Value gram = MatmulOp::create(b, y, y, true, false);
    Value inverse = CholeskyInverseOp::create(b, gram, llvm::APFloat(shift));
    y = MatmulOp::create(b, y, inverse, false, true);
  }
  return SmallVector<Value>{y};
}

static int64_t orthonormalizeFlops(int64_t m, int64_t s) { return 3 * (4 * m * s * s + 2 * s * s * s); }
int64_t OrthonormalizeOp::getFlops() { return orthonormalizeFlops(typeOf(getY()).getDimSize(0), typeOf(getY()).getDimSize(1)); }

//===------------------------------------------------------------------------------------------===//
// low_rank_basis
//===------------------------------------------------------------------------------------------===//

LogicalResult LowRankBasisOp::verify() {
  auto g = typeOf(getG());
  int64_t smaller = std::min(g.getDimSize(0), g.getDimSize(1)), rank = getP().getType().getDimSize(1);
  if (getP().getType().getDimSize(0) != smaller || rank < 1 || rank > smaller)
    return emitOpError("finds a basis ") << getP().getType() << " for " << g << ", expected (" << smaller << ", r) with r from 1 to " << smaller;
  return success();
}

/// y/‖y‖ + 1e-5·signs/‖signs‖: whatever the rank and size of y, its columns are independent.
static Value completed(ImplicitLocOpBuilder &b, Value y, Value signs) {
  RankedTensorType type = typeOf(y);
  double noise = 1e-5 / std::sqrt(double(type.getNumElements()));
  AffineMap full = b.getMultiDimIdentityMap(2);
  Value norm = GradNormOp::create(b, ValueRange{y});
  return pointwise(b, type, {y, norm, signs}, {full, projection(b.getContext(), 2, {}), full}, [&](ImplicitLocOpBuilder &s, ValueRange v) {
    Type f = v[0].getType();
    Value unit = div(s, v[0], add(s, v[1], constant(s, f, 1e-30)));
    return add(s, unit, mul(s, v[2], constant(s, f, noise)));
  });
}

FailureOr<SmallVector<Value>> LowRankBasisOp::decomposeOperation(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  RankedTensorType type = typeOf(getG());
  bool tall = type.getDimSize(0) > type.getDimSize(1); // then g stands for its transpose
  int64_t m = std::min(type.getDimSize(0), type.getDimSize(1)), n = std::max(type.getDimSize(0), type.getDimSize(1));
  int64_t rank = getP().getType().getDimSize(1), s = std::min<int64_t>(m, rank + getOversample());
  // Draws differ by their salt in the seed.
  auto signs = [&](int64_t rows, int64_t salt) -> Value {
    auto draw = RandomSignsOp::create(b, withShape(type, {rows, s}), getId(), getStep());
    draw.setSeed(getSeed() + salt);
    return draw;
  };
  auto times = [&](Value x, bool transposed) -> Value { return MatmulOp::create(b, getG(), x, tall != transposed, false); };
  auto basisOf = [&](Value y, int64_t salt) -> Value { return OrthonormalizeOp::create(b, completed(b, y, signs(typeOf(y).getDimSize(0), salt))); };
  Value q = basisOf(times(signs(n, 0), false), 1);
  for (int64_t i = 0; i < int64_t(getIterations()); ++i)
    q = basisOf(times(basisOf(times(q, true), 2 * i + 2), false), 2 * i + 3);
  Value image = times(q, true); // gᵀ·q (n, s)
  Value gram = MatmulOp::create(b, image, image, true, false);
  auto eigen = SymmetricEigenOp::create(b, gram);
  Value vectors = eigen.getVectors();
  if (rank < s) {
    vectors = pointwise(b, withShape(type, {rank, s}), {}, {}, [&](ImplicitLocOpBuilder &in, ValueRange) -> Value {
      return tensor::ExtractOp::create(in, eigen.getVectors(), ValueRange{linalg::IndexOp::create(in, 0), linalg::IndexOp::create(in, 1)});
    });
  }
  return SmallVector<Value>{MatmulOp::create(b, q, vectors, false, true)};
}

int64_t LowRankBasisOp::getFlops() {
  RankedTensorType type = typeOf(getG());
  int64_t m = std::min(type.getDimSize(0), type.getDimSize(1)), n = std::max(type.getDimSize(0), type.getDimSize(1));
  int64_t s = std::min<int64_t>(m, getP().getType().getDimSize(1) + getOversample()), q = getIterations();
  return (2 * q + 2) * 2 * m * n * s + (q + 1) * orthonormalizeFlops(m, s) + q * orthonormalizeFlops(n, s) + 2 * n * s * s + 72 * s * s * s;
}

//===------------------------------------------------------------------------------------------===//
// refresh_schedule
//===------------------------------------------------------------------------------------------===//

FailureOr<SmallVector<Value>> RefreshScheduleOp::decomposeOperation(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  auto type = cast<RankedTensorType>(getDue().getType());
  return SmallVector<Value>{pointwise(b, type, getStep(), projection(getContext(), type.getRank(), {}), [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
    Type i32 = s.getI32Type();
    auto number = [&](int64_t n) { return constant(s, i32, n); };
    Value k = number(getFirst());
    if (type.getRank())
      k = arith::AddIOp::create(s, k, arith::IndexCastOp::create(s, i32, linalg::IndexOp::create(s, 0)));
    Value offset = arith::DivUIOp::create(s, arith::MulIOp::create(s, k, number(getPeriod())), number(getOf()));
    Value phase = arith::RemUIOp::create(s, v[0], number(getPeriod()));
    Value isTurn = arith::CmpIOp::create(s, arith::CmpIPredicate::eq, phase, offset);
    Value isFirst = arith::CmpIOp::create(s, arith::CmpIPredicate::eq, v[0], number(0));
    return arith::SelectOp::create(s, arith::OrIOp::create(s, isTurn, isFirst), arith::AddIOp::create(s, k, number(1)), number(0));
  })};
}
