#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::nanochat;
using utils::IteratorType;

static LogicalResult verifyPerChannel(Operation *op, StringRef name, Value x, Value vector) {
  auto xt = cast<RankedTensorType>(x.getType()), vt = cast<RankedTensorType>(vector.getType());
  if (xt.getDimSize(1) != vt.getDimSize(0))
    return op->emitOpError(name) << " " << vt << " does not match the " << xt.getDimSize(1) << " channels of " << xt;
  return success();
}

/// The operands of a norm's gradient: gain fits x, dy has x's type.
static LogicalResult verifyGrad(Operation *op, Value x, Value gain, Value dy) {
  if (dy.getType() != x.getType())
    return op->emitOpError("dy ") << dy.getType() << " must have the type of x, " << x.getType();
  return verifyPerChannel(op, "gain", x, gain);
}

//===------------------------------------------------------------------------------------------===//
// rms_norm
//===------------------------------------------------------------------------------------------===//

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

LogicalResult RmsNormOp::verify() {
  return verifyPerChannel(*this, "gain", getX(), getGain()); // rms_norm-c1
}

FailureOr<SmallVector<Value>> RmsNormOp::decomposeOperation(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  MLIRContext *ctx = getContext();
  Value r = inverseRms(b, getX(), getEps().convertToDouble());
  return SmallVector<Value>{
      pointwise(b, cast<RankedTensorType>(getY().getType()), {getX(), r, getGain()},
                {b.getMultiDimIdentityMap(2), projection(ctx, 2, {0}), projection(ctx, 2, {1})},
                [](ImplicitLocOpBuilder &s, ValueRange v) { return mul(s, mul(s, v[0], v[1]), v[2]); })};
}

SmallVector<IteratorType> RmsNormOp::getLoopIteratorTypes() {
  return {IteratorType::parallel, IteratorType::reduction};
}
SmallVector<shard::ReductionKind> RmsNormOp::getReductionLoopIteratorKinds() { return {shard::ReductionKind::Generic}; }
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

LogicalResult RmsNormGradOp::verify() { // rms_norm_grad-c1, -c2
  return verifyGrad(*this, getX(), getGain(), getDy());
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
  Value dot =
      reduce(b, withShape(type, {type.getDimSize(0)}), 2, {0}, 0.0, {getX(), getGain(), getDy()}, {full, column, full},
             [](ImplicitLocOpBuilder &s, ValueRange v) { return add(s, v[3], mul(s, mul(s, v[1], v[2]), v[0])); });
  Value dx = pointwise(b, type, {getX(), getGain(), getDy(), r, dot}, {full, column, full, row, row},
                       [&](ImplicitLocOpBuilder &s, ValueRange v) {
                         Value mean = mul(s, v[4], constant(s, v[0].getType(), 1.0 / type.getDimSize(1)));
                         Value along = mul(s, mul(s, v[0], mul(s, v[3], v[3])), mean);
                         return mul(s, v[3], sub(s, mul(s, v[1], v[2]), along));
                       });
  Value dgain =
      reduce(b, cast<RankedTensorType>(getGain().getType()), 2, {1}, 0.0, {getX(), getDy(), r}, {full, full, row},
             [](ImplicitLocOpBuilder &s, ValueRange v) { return add(s, v[3], mul(s, v[1], mul(s, v[0], v[2]))); });
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

//===------------------------------------------------------------------------------------------===//
// layer_norm
//===------------------------------------------------------------------------------------------===//

/// (N) means over channels of the values `body` makes of `ins`, for x of type `type`.
static Value rowMean(ImplicitLocOpBuilder &b, RankedTensorType type, ValueRange ins, ArrayRef<AffineMap> maps,
                     ScalarBody body) {
  RankedTensorType rows = withShape(type, {type.getDimSize(0)});
  Value sums = reduce(b, rows, 2, {0}, 0.0, ins, maps,
                      [&](ImplicitLocOpBuilder &s, ValueRange v) { return add(s, v.back(), body(s, v.drop_back())); });
  return mul(b, sums, constant(b, rows, 1.0 / type.getDimSize(1)));
}

namespace {
/// The (N) means and reciprocal standard deviations of the rows of x. The variance is summed around
/// the mean: the difference of two large sums would lose it.
struct RowMoments {
  Value mean, r;
  RowMoments(ImplicitLocOpBuilder &b, Value x, double eps) {
    auto type = cast<RankedTensorType>(x.getType());
    AffineMap full = b.getMultiDimIdentityMap(2), row = projection(b.getContext(), 2, {0});
    mean = rowMean(b, type, {x}, {full}, [](ImplicitLocOpBuilder &, ValueRange v) { return v[0]; });
    Value variance = rowMean(b, type, {x, mean}, {full, row}, [](ImplicitLocOpBuilder &s, ValueRange v) {
      Value centred = sub(s, v[0], v[1]);
      return mul(s, centred, centred);
    });
    r = math::RsqrtOp::create(b, add(b, variance, constant(b, variance.getType(), eps)));
  }
};
} // namespace

LogicalResult LayerNormOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  types.push_back(adaptor.getX().getType());
  return success();
}

LogicalResult LayerNormOp::verify() {
  if (failed(verifyPerChannel(*this, "gain", getX(), getGain()))) // layer_norm-c1
    return failure();
  return verifyPerChannel(*this, "bias", getX(), getBias()); // layer_norm-c2
}

FailureOr<SmallVector<Value>> LayerNormOp::decomposeOperation(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  AffineMap full = b.getMultiDimIdentityMap(2), row = projection(getContext(), 2, {0}),
            column = projection(getContext(), 2, {1});
  RowMoments x(b, getX(), getEps().convertToDouble());
  return SmallVector<Value>{pointwise(b, cast<RankedTensorType>(getY().getType()),
                                      {getX(), x.mean, x.r, getGain(), getBias()}, {full, row, row, column, column},
                                      [](ImplicitLocOpBuilder &s, ValueRange v) {
                                        return add(s, mul(s, mul(s, sub(s, v[0], v[1]), v[2]), v[3]), v[4]);
                                      })};
}

SmallVector<IteratorType> LayerNormOp::getLoopIteratorTypes() {
  return {IteratorType::parallel, IteratorType::reduction};
}
SmallVector<shard::ReductionKind> LayerNormOp::getReductionLoopIteratorKinds() {
  return {shard::ReductionKind::Generic};
}
SmallVector<AffineMap> LayerNormOp::getIndexingMaps() {
  AffineMap full = projection(getContext(), 2, {0, 1}), column = projection(getContext(), 2, {1});
  return {full, column, column, full};
}

LogicalResult LayerNormOp::buildVJP(OpBuilder &b, Cotangents &ct) {
  auto grad = LayerNormGradOp::create(b, getLoc(), getX(), getGain(), ct.of(getY()), getEpsAttr());
  ct.add(b, getX(), grad.getDx());
  ct.add(b, getGain(), grad.getDgain());
  ct.add(b, getBias(), grad.getDbias());
  return success();
}

LogicalResult LayerNormGradOp::verify() { // layer_norm_grad-c1, -c2
  return verifyGrad(*this, getX(), getGain(), getDy());
}

LogicalResult LayerNormGradOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                                SmallVectorImpl<Type> &types) {
  types.append({adaptor.getX().getType(), adaptor.getGain().getType(), adaptor.getGain().getType()});
  return success();
}

FailureOr<SmallVector<Value>> LayerNormGradOp::decomposeOperation(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  auto type = cast<RankedTensorType>(getX().getType()), channels = cast<RankedTensorType>(getGain().getType());
  AffineMap full = b.getMultiDimIdentityMap(2), row = projection(getContext(), 2, {0}),
            column = projection(getContext(), 2, {1});
  RowMoments x(b, getX(), getEps().convertToDouble());
  auto normal = [](ImplicitLocOpBuilder &s, ValueRange v) { return mul(s, sub(s, v[0], v[1]), v[2]); };
  Value meanG = rowMean(b, type, {getGain(), getDy()}, {column, full},
                        [](ImplicitLocOpBuilder &s, ValueRange v) { return mul(s, v[0], v[1]); });
  Value meanGx =
      rowMean(b, type, {getX(), x.mean, x.r, getGain(), getDy()}, {full, row, row, column, full},
              [&](ImplicitLocOpBuilder &s, ValueRange v) { return mul(s, mul(s, v[3], v[4]), normal(s, v)); });
  Value dx = pointwise(b, type, {getX(), x.mean, x.r, getGain(), getDy(), meanG, meanGx},
                       {full, row, row, column, full, row, row}, [&](ImplicitLocOpBuilder &s, ValueRange v) {
                         Value centred = sub(s, mul(s, v[3], v[4]), v[5]);
                         return mul(s, v[2], sub(s, centred, mul(s, normal(s, v), v[6])));
                       });
  Value dgain = reduce(b, channels, 2, {1}, 0.0, {getX(), x.mean, x.r, getDy()}, {full, row, row, full},
                       [&](ImplicitLocOpBuilder &s, ValueRange v) { return add(s, v[4], mul(s, v[3], normal(s, v))); });
  Value dbias = reduce(b, channels, 2, {1}, 0.0, {getDy()}, {full},
                       [](ImplicitLocOpBuilder &s, ValueRange v) { return add(s, v[1], v[0]); });
  return SmallVector<Value>{dx, dgain, dbias};
}

SmallVector<IteratorType> LayerNormGradOp::getLoopIteratorTypes() {
  return {IteratorType::reduction, IteratorType::reduction};
}
SmallVector<shard::ReductionKind> LayerNormGradOp::getReductionLoopIteratorKinds() {
  return {shard::ReductionKind::Generic, shard::ReductionKind::Generic};
}
SmallVector<AffineMap> LayerNormGradOp::getIndexingMaps() {
  AffineMap full = projection(getContext(), 2, {0, 1}), column = projection(getContext(), 2, {1});
  return {full, column, full, full, column, column};
}
