#include "dialect/ops/layers/Activation.h"
#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::nanochat;

using Values = FailureOr<SmallVector<Value>>;

static Value oneMinus(ImplicitLocOpBuilder &b, Value v) { return sub(b, constant(b, v.getType(), 1.0), v); }

/// v·factor for a constant factor.
static Value scale(ImplicitLocOpBuilder &b, Value v, double factor) {
  return mul(b, v, constant(b, v.getType(), factor));
}

static Value relu(ImplicitLocOpBuilder &b, Value v) {
  return arith::MaximumFOp::create(b, v, constant(b, v.getType(), 0.0));
}

//===--- sigmoid, silu, relu2 ----------------------------------------------------------------===//
// Gradients read the operand only and compute the function again: that is cheaper than a residual,
// and where exp(−x) overflows the chain rule would give 0·inf.

Value mlir::nanochat::sigmoid(ImplicitLocOpBuilder &s, Value x) {
  Value one = constant(s, x.getType(), 1.0);
  return div(s, one, add(s, one, math::ExpOp::create(s, arith::NegFOp::create(s, x))));
}

SmallVector<Value> SigmoidOp::decompose(ImplicitLocOpBuilder &b) { return {sigmoid(b, getX())}; }

LogicalResult SigmoidOp::buildVJP(ImplicitLocOpBuilder &b, Cotangents &ct) {
  Value s = SigmoidOp::create(b, getX());
  ct.add(b, getX(), mul(b, ct.of(getY()), mul(b, s, oneMinus(b, s))));
  return success();
}

SmallVector<Value> SiluOp::decompose(ImplicitLocOpBuilder &b) { return {mul(b, getX(), SigmoidOp::create(b, getX()))}; }

LogicalResult SiluOp::buildVJP(ImplicitLocOpBuilder &b, Cotangents &ct) {
  Value s = SigmoidOp::create(b, getX()), one = constant(b, getType(), 1.0);
  Value slope = mul(b, s, add(b, one, mul(b, getX(), sub(b, one, s))));
  ct.add(b, getX(), mul(b, ct.of(getY()), slope));
  return success();
}

SmallVector<Value> Relu2Op::decompose(ImplicitLocOpBuilder &b) {
  Value r = relu(b, getX());
  return {mul(b, r, r)};
}

LogicalResult Relu2Op::buildVJP(ImplicitLocOpBuilder &b, Cotangents &ct) {
  ct.add(b, getX(), mul(b, ct.of(getY()), scale(b, relu(b, getX()), 2.0)));
  return success();
}

//===--- gelu --------------------------------------------------------------------------------===//

static constexpr double kSqrt2OverPi = 0.7978845608028654, kCubic = 0.044715;
static constexpr double kInvSqrt2 = 0.7071067811865476, kInvSqrt2Pi = 0.3989422804014327;

LogicalResult GeluOp::verify() {
  if (getApproximate() != "tanh" && getApproximate() != "none") // gelu-c1
    return emitOpError("has the unknown form approximate = \"")
           << getApproximate() << "\"; expected \"tanh\" or \"none\" (erf)";
  return success();
}

/// tanh(√(2/π)·(x + 0.044715·x³)) or erf(x/√2).
static Value geluInner(ImplicitLocOpBuilder &b, GeluOp op) {
  Value x = op.getX();
  if (op.getApproximate() == "none")
    return math::ErfOp::create(b, scale(b, x, kInvSqrt2));
  Value cube = scale(b, mul(b, x, mul(b, x, x)), kCubic);
  return math::TanhOp::create(b, scale(b, add(b, x, cube), kSqrt2OverPi));
}

SmallVector<Value> GeluOp::decompose(ImplicitLocOpBuilder &b) {
  Value half = scale(b, getX(), 0.5), one = constant(b, getType(), 1.0);
  return {mul(b, half, add(b, one, geluInner(b, *this)))};
}

LogicalResult GeluOp::buildVJP(ImplicitLocOpBuilder &b, Cotangents &ct) {
  Value x = getX(), one = constant(b, getType(), 1.0), inner = geluInner(b, *this);
  Value square = mul(b, x, x), slope; // d inner / dx, halved
  if (getApproximate() == "none") {
    slope = scale(b, math::ExpOp::create(b, scale(b, square, -0.5)), kInvSqrt2Pi);
  } else {
    Value chain = add(b, one, scale(b, square, 3.0 * kCubic));
    slope = mul(b, oneMinus(b, mul(b, inner, inner)), scale(b, chain, 0.5 * kSqrt2OverPi));
  }
  Value dydx = add(b, scale(b, add(b, one, inner), 0.5), mul(b, x, slope));
  ct.add(b, x, mul(b, ct.of(getY()), dydx));
  return success();
}

//===--- Gated units -------------------------------------------------------------------------===//

SmallVector<Value> SwigluOp::decompose(ImplicitLocOpBuilder &b) {
  return {mul(b, SiluOp::create(b, getGate()), getUp())};
}

SmallVector<Value> Relu2GluOp::decompose(ImplicitLocOpBuilder &b) {
  return {mul(b, Relu2Op::create(b, getGate()), getUp())};
}
