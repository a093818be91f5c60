#include "dialect/ops/layers/Norm.h"
#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::nanochat;

static LogicalResult verifyPerChannel(Operation *op, StringRef name, Value x, Value vector) {
  auto xt = typeOf(x), vt = typeOf(vector);
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

//===--- rms_norm ----------------------------------------------------------------------------===//

Value mlir::nanochat::inverseRms(ImplicitLocOpBuilder &b, Value x, double eps) {
  auto type = typeOf(x);
  RankedTensorType rows = withShape(type, {type.getDimSize(0)});
  Value squares = reduce(b, rows, 2, {0}, 0.0, {x}, {b.getMultiDimIdentityMap(2)},
                         [](ImplicitLocOpBuilder &s, ValueRange v) { return add(s, v[1], mul(s, v[0], v[0])); });
  return pointwise(b, squares, [&](ImplicitLocOpBuilder &s, ValueRange v) {
    Type f = v[0].getType();
    Value mean = mul(s, v[0], constant(s, f, 1.0 / type.getDimSize(1)));
    return Value(math::RsqrtOp::create(s, add(s, mean, constant(s, f, eps))));
  });
}

LogicalResult RmsNormOp::verify() {
  return verifyPerChannel(*this, "gain", getX(), getGain()); // rms_norm-c1
}

SmallVector<Value> RmsNormOp::decompose(ImplicitLocOpBuilder &b) {
  Value r = inverseRms(b, getX(), getEps().convertToDouble());
  auto [full, row, column] = MatrixMaps(getContext());
  return {pointwise(b, typeOf(getY()), {getX(), r, getGain()}, {full, row, column},
                    [](ImplicitLocOpBuilder &s, ValueRange v) { return mul(s, mul(s, v[0], v[1]), v[2]); })};
}

LogicalResult RmsNormOp::buildVJP(ImplicitLocOpBuilder &b, Cotangents &ct) {
  auto grad = RmsNormGradOp::create(b, getX(), getGain(), ct.of(getY()), getEpsAttr());
  ct.add(b, getX(), grad.getDx());
  ct.add(b, getGain(), grad.getDgain());
  return success();
}

LogicalResult RmsNormGradOp::verify() { // rms_norm_grad-c1, -c2
  return verifyGrad(*this, getX(), getGain(), getDy());
}

SmallVector<Value> RmsNormGradOp::decompose(ImplicitLocOpBuilder &b) {
  auto type = typeOf(getX());
  auto [full, row, column] = MatrixMaps(getContext());
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
      reduce(b, typeOf(getGain()), 2, {1}, 0.0, {getX(), getDy(), r}, {full, full, row},
             [](ImplicitLocOpBuilder &s, ValueRange v) { return add(s, v[3], mul(s, v[1], mul(s, v[0], v[2]))); });
  return {dx, dgain};
}

//===--- layer_norm --------------------------------------------------------------------------===//

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
    auto type = typeOf(x);
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

LogicalResult LayerNormOp::verify() {
  if (failed(verifyPerChannel(*this, "gain", getX(), getGain()))) // layer_norm-c1
    return failure();
  return verifyPerChannel(*this, "bias", getX(), getBias()); // layer_norm-c2
}

SmallVector<Value> LayerNormOp::decompose(ImplicitLocOpBuilder &b) {
  auto [full, row, column] = MatrixMaps(getContext());
  RowMoments x(b, getX(), getEps().convertToDouble());
  return {pointwise(b, typeOf(getY()), {getX(), x.mean, x.r, getGain(), getBias()}, {full, row, row, column, column},
                    [](ImplicitLocOpBuilder &s, ValueRange v) {
                      return add(s, mul(s, mul(s, sub(s, v[0], v[1]), v[2]), v[3]), v[4]);
                    })};
}

LogicalResult LayerNormOp::buildVJP(ImplicitLocOpBuilder &b, Cotangents &ct) {
  auto grad = LayerNormGradOp::create(b, getX(), getGain(), ct.of(getY()), getEpsAttr());
  ct.add(b, getX(), grad.getDx());
  ct.add(b, getGain(), grad.getDgain());
  ct.add(b, getBias(), grad.getDbias());
  return success();
}

LogicalResult LayerNormGradOp::verify() { // layer_norm_grad-c1, -c2
  return verifyGrad(*this, getX(), getGain(), getDy());
}

SmallVector<Value> LayerNormGradOp::decompose(ImplicitLocOpBuilder &b) {
  auto type = typeOf(getX()), channels = typeOf(getGain());
  auto [full, row, column] = MatrixMaps(getContext());
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
  Value dbias = reduce(b, channels, 2, {1}, 0.0, {getDy()}, {full}, sumUp);
  return {dx, dgain, dbias};
}
