#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::nanochat;
using utils::IteratorType;

static LogicalResult verifyGain(Operation *op, Value x, Value gain) {
  auto xt = cast<RankedTensorType>(x.getType()), gt = cast<RankedTensorType>(gain.getType());
  if (xt.getDimSize(1) != gt.getDimSize(0)) // norm-c1
    return op->emitOpError("gain ") << gt << " does not match the " << xt.getDimSize(1) << " channels of " << xt;
  return success();
}

/// (N) reciprocal root mean squares of the rows of x.
static Value inverseRms(ImplicitLocOpBuilder &b, Value x, double eps) {
  auto type = cast<RankedTensorType>(x.getType());
  RankedTensorType rows = withShape(type, {type.getDimSize(0)});
  Value squares = reduce(b, rows, 2, {0}, 0.0, {x}, {b.getMultiDimIdentityMap(2)},
                         [](ImplicitLocOpBuilder &s, ValueRange v) { return add(s, v[1], mul(s, v[0], v[0])); });
  return pointwise(b, rows, {squares}, {b.getMultiDimIdentityMap(1)}, [&](ImplicitLocOpBuilder &s, ValueRange v) {
    Type f = v[0].getType();
    Value mean = mul(s, v[0], constant(s, f, 1.0 / type.getDimSize(1)));
    return Value(math::RsqrtOp::create(s, add(s, mean, constant(s, f, eps))));
  });
}

LogicalResult RmsNormOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  types.push_back(adaptor.getX().getType());
  return success();
}

LogicalResult RmsNormOp::verify() { return verifyGain(*this, getX(), getGain()); }

FailureOr<SmallVector<Value>> RmsNormOp::decomposeOperation(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  MLIRContext *ctx = getContext();
  Value r = inverseRms(b, getX(), getEps().convertToDouble());
  return SmallVector<Value>{pointwise(
      b, cast<RankedTensorType>(getY().getType()), {getX(), r, getGain()},
      {b.getMultiDimIdentityMap(2), projection(ctx, 2, {0}), projection(ctx, 2, {1})},
      [](ImplicitLocOpBuilder &s, ValueRange v) { return mul(s, mul(s, v[0], v[1]), v[2]); })};
}

SmallVector<IteratorType> RmsNormOp::getLoopIteratorTypes() {
  return {IteratorType::parallel, IteratorType::reduction};
}
SmallVector<shard::ReductionKind> RmsNormOp::getReductionLoopIteratorKinds() {
  return {shard::ReductionKind::Generic};
}
SmallVector<AffineMap> RmsNormOp::getIndexingMaps() {
  MLIRContext *ctx = getContext();
  return {projection(ctx, 2, {0, 1}), projection(ctx, 2, {1}), projection(ctx, 2, {0, 1})};
}

LogicalResult RmsNormOp::buildVJP(OpBuilder &b, Cotangents &ct) {
  auto grad = RmsNormGradOp::create(b, getLoc(), getX(), getGain(), ct.of(getY()), getEpsAttr());
  ct.add(b, getX(), grad.getDx());
  ct.add(b, getGain(), grad.getDgain());
  return success();
}

LogicalResult RmsNormGradOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                              SmallVectorImpl<Type> &types) {
  types.append({adaptor.getX().getType(), adaptor.getGain().getType()});
  return success();
}

FailureOr<SmallVector<Value>> RmsNormGradOp::decomposeOperation(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  MLIRContext *ctx = getContext();
  auto type = cast<RankedTensorType>(getX().getType());
  AffineMap full = b.getMultiDimIdentityMap(2), row = projection(ctx, 2, {0}), column = projection(ctx, 2, {1});
  Value r = inverseRms(b, getX(), getEps().convertToDouble());
  // Per row: Σ_c gain·dy·x, from which the mean over x̂ follows by one factor r.
  Value dot = reduce(b, withShape(type, {type.getDimSize(0)}), 2, {0}, 0.0, {getX(), getGain(), getDy()},
                     {full, column, full}, [](ImplicitLocOpBuilder &s, ValueRange v) {
                       return add(s, v[3], mul(s, mul(s, v[1], v[2]), v[0]));
                     });
  Value dx = pointwise(b, type, {getX(), getGain(), getDy(), r, dot}, {full, column, full, row, row},
                       [&](ImplicitLocOpBuilder &s, ValueRange v) {
                         Value mean = mul(s, v[4], constant(s, v[0].getType(), 1.0 / type.getDimSize(1)));
                         Value along = mul(s, mul(s, v[0], mul(s, v[3], v[3])), mean);
                         return mul(s, v[3], sub(s, mul(s, v[1], v[2]), along));
                       });
  Value dgain = reduce(b, cast<RankedTensorType>(getGain().getType()), 2, {1}, 0.0, {getX(), getDy(), r},
                       {full, full, row}, [](ImplicitLocOpBuilder &s, ValueRange v) {
                         return add(s, v[3], mul(s, v[1], mul(s, v[0], v[2])));
                       });
  return SmallVector<Value>{dx, dgain};
}

SmallVector<IteratorType> RmsNormGradOp::getLoopIteratorTypes() {
  return {IteratorType::reduction, IteratorType::reduction};
}
SmallVector<shard::ReductionKind> RmsNormGradOp::getReductionLoopIteratorKinds() {
  return {shard::ReductionKind::Generic, shard::ReductionKind::Generic};
}
SmallVector<AffineMap> RmsNormGradOp::getIndexingMaps() {
  MLIRContext *ctx = getContext();
  AffineMap full = projection(ctx, 2, {0, 1}), column = projection(ctx, 2, {1});
  return {full, column, full, full, column};
}
