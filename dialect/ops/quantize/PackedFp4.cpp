// Four-bit floats as tensor cores take them: two codes in a byte, and products of such rows.
#include "dialect/Formats.h"
#include "dialect/ops/quantize/Fp4.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::nanochat;

/// Magnitudes 0, 1, 2, 3, 4, 6, 8, 12 are E2M1's numbers 0 to 7.
Value mlir::nanochat::toE2m1(ImplicitLocOpBuilder &b, Value code) {
  Type type = code.getType();
  auto c = [&](double value) { return constant(b, type, value); };
  Value size = math::AbsIOp::create(b, code), isSmall = arith::CmpIOp::create(b, arith::CmpIPredicate::sle, size, c(4));
  Value large = arith::AddIOp::create(b, arith::ShRUIOp::create(b, size, c(2)), c(4));
  large = arith::AndIOp::create(b, large, c(7)); // also of what is no code
  Value isNegative = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, code, c(0));
  Value sign = arith::SelectOp::create(b, isNegative, c(8), c(0));
  return arith::OrIOp::create(b, arith::SelectOp::create(b, isSmall, size, large), sign);
}

Value mlir::nanochat::fromE2m1(ImplicitLocOpBuilder &b, Value bits) {
  Type type = bits.getType();
  auto c = [&](double value) { return constant(b, type, value); };
  Value number = arith::AndIOp::create(b, bits, c(7)), one = c(1);
  Value fraction = arith::OrIOp::create(b, arith::AndIOp::create(b, number, one), c(2));
  Value exponent = arith::ShRUIOp::create(b, number, one);
  Value normal = arith::ShRUIOp::create(b, arith::ShLIOp::create(b, fraction, exponent), one);
  Value isNormal = arith::CmpIOp::create(b, arith::CmpIPredicate::uge, number, c(2));
  Value size = arith::SelectOp::create(b, isNormal, normal, number);
  Value isNegative = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, arith::AndIOp::create(b, bits, c(8)), c(0));
  return arith::SelectOp::create(b, isNegative, arith::SubIOp::create(b, c(0), size), size);
}

//===--- pack_fp4 ----------------------------------------------------------------------------===//

LogicalResult PackFp4Op::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  if (failed(checkAxis(loc, adaptor.getAxis())))
    return failure();
  RankedTensorType codes = typeOf(adaptor.getCodes());
  int64_t axis = adaptor.getAxis();
  types.push_back(withShape(codes, {codes.getDimSize(1 - axis), codes.getDimSize(axis) / 2}));
  return success();
}

LogicalResult PackFp4Op::verify() {
  if (int64_t length = getCodes().getType().getDimSize(getAxis()); length % 2) // pack_fp4-c1
    return emitOpError("packs pairs of ") << length << " codes along axis " << getAxis() << "; expected an even number";
  return success();
}

DispatchClass PackFp4Op::getDispatchClass() { return DispatchClass::rowwise; }

SmallVector<AffineMap> PackFp4Op::getIndexingMaps() {
  AffineExpr along = getAffineDimExpr(getAxis(), getContext()), other = getAffineDimExpr(1 - getAxis(), getContext());
  return {projection(getContext(), 2, {0, 1}), AffineMap::get(2, 0, {other, along.floorDiv(2)}, getContext())};
}

SmallVector<Value> PackFp4Op::decompose(ImplicitLocOpBuilder &b) {
  RankedTensorType codes = getCodes().getType(), pairs = getPairs().getType();
  SmallVector<int64_t> shape{codes.getDimSize(0), codes.getDimSize(1) / 2, 2};
  SmallVector<ReassociationIndices> groups{{0}, {1, 2}};
  if (getAxis() == 0)
    shape = {codes.getDimSize(0) / 2, 2, codes.getDimSize(1)}, groups = {{0, 1}, {2}};
  Value split = tensor::ExpandShapeOp::create(b, withShape(codes, shape), getCodes(), groups);
  AffineExpr row = b.getAffineDimExpr(0), pair = b.getAffineDimExpr(1);
  auto mapOf = [&](int64_t which) {
    AffineExpr of = b.getAffineConstantExpr(which);
    return AffineMap::get(2, 0, getAxis() ? ArrayRef{row, pair, of} : ArrayRef{pair, of, row}, b.getContext());
  };
  return {pointwise(b, pairs, {split, split}, {mapOf(0), mapOf(1)}, [](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
    Value high = arith::ShLIOp::create(s, toE2m1(s, v[1]), constant(s, v[1].getType(), 4));
    return arith::OrIOp::create(s, toE2m1(s, v[0]), high);
  })};
}

//===--- fp4_matmul --------------------------------------------------------------------------===//

LogicalResult Fp4MatmulOp::inferReturnTypes(MLIRContext *ctx, std::optional<Location>, Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  int64_t rows = typeOf(adaptor.getA()).getDimSize(0), columns = typeOf(adaptor.getB()).getDimSize(0);
  types.push_back(RankedTensorType::get({rows, columns}, Builder(ctx).getF32Type()));
  return success();
}

LogicalResult Fp4MatmulOp::verify() {
  RankedTensorType a = getA().getType(), b = getB().getType();
  if (a.getDimSize(1) != b.getDimSize(1)) // fp4_matmul-c1
    return emitOpError("contracts ") << a.getDimSize(1) << " pairs of " << a << " with " << b.getDimSize(1) << " of "
                                     << b;
  if (!getAScales() && !getBScales()) // fp4_matmul-c4
    return emitOpError("has no scales");
  if (a.getDimSize(1) % 16) // fp4_matmul-c2
    return emitOpError("has rows of ") << a.getDimSize(1) << " bytes; expected a multiple of 16";
  const Fp4Facts &facts = factsOf(getFormat());
  auto check = [&](Value scales, RankedTensorType pairs) -> LogicalResult {
    if (!scales)
      return success();
    Builder builder(getContext());
    auto expected = RankedTensorType::get({pairs.getDimSize(0), 2 * pairs.getDimSize(1) / facts.block},
                                          factsOf(facts.scale).storage(builder));
    if (scales.getType() == expected)
      return success();
    return emitOpError("has scales ") << scales.getType() << " of pairs " << pairs << "; expected " << expected;
  };
  if (failed(check(getAScales(), a))) // fp4_matmul-c3
    return failure();
  return check(getBScales(), b);
}

DispatchClass Fp4MatmulOp::getDispatchClass() { return DispatchClass::gemm; }

int64_t Fp4MatmulOp::getFlops() { return getY().getType().getNumElements() * getA().getType().getDimSize(1) * 4; }

/// k counts pairs.
SmallVector<AffineMap> Fp4MatmulOp::getIndexingMaps() {
  MLIRContext *ctx = getContext();
  AffineExpr k = getAffineDimExpr(2, ctx);
  AffineExpr ofBlock = k.floorDiv(factsOf(getFormat()).block / 2);
  SmallVector<AffineMap> maps;
  for (auto [x, pairs, scales] : {std::tuple(0u, getA(), getAScales()), std::tuple(1u, getB(), getBScales())}) {
    AffineExpr row = getAffineDimExpr(x, ctx);
    maps.push_back(AffineMap::get(3, 0, {row, k}, ctx));
    if (scales)
      maps.push_back(AffineMap::get(3, 0, {row, ofBlock}, ctx));
  }
  maps.push_back(projection(ctx, 3, {0, 1}));
  return maps;
}

/// The codes (L, K) of pairs (L, K/2).
static Value unpack(ImplicitLocOpBuilder &b, Value pairs) {
  RankedTensorType type = typeOf(pairs);
  int64_t rows = type.getDimSize(0), count = type.getDimSize(1);
  Value both = pointwise(b, withShape(type, {rows, count, 2}), pairs, projection(b.getContext(), 3, {0, 1}),
                         [](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
                           Type byte = v[0].getType();
                           Value which = arith::IndexCastOp::create(s, byte, linalg::IndexOp::create(s, 2));
                           Value by = arith::MulIOp::create(s, which, constant(s, byte, 4));
                           return fromE2m1(s, arith::ShRUIOp::create(s, v[0], by));
                         });
  return tensor::CollapseShapeOp::create(b, withShape(type, {rows, 2 * count}), both,
                                         SmallVector<ReassociationIndices>{{0}, {1, 2}});
}

SmallVector<Value> Fp4MatmulOp::decompose(ImplicitLocOpBuilder &b) {
  Value quarter = constant(b, withShape(getY().getType(), {}), 0.25); // each code is twice its number
  return {BlockMatmulOp::create(b, unpack(b, getA()), getAScales(), unpack(b, getB()), getBScales(), quarter,
                                factsOf(getFormat()).block, /*trans_a=*/false, /*trans_b=*/true,
                                /*site=*/StringAttr())};
}
