// The exit gate of a LoopLM, one loop iteration at a time. Probabilities are carried as logarithms,
// so that nothing divides by λ or 1−λ and gates may saturate.
#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"
#include "dialect/ops/layers/Activation.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::nanochat;

/// log(1 + exp(x)), for any finite x.
static Value softplus(ImplicitLocOpBuilder &s, Value x) {
  Value top = arith::MaximumFOp::create(s, x, constant(s, x.getType(), 0.0));
  Value tail = math::ExpOp::create(s, arith::NegFOp::create(s, math::AbsFOp::create(s, x)));
  return add(s, top, math::Log1pOp::create(s, tail));
}

/// (1/N) Σ_n body(elements...): rank 0.
static Value meanOverTokens(ImplicitLocOpBuilder &b, ValueRange tokens, ScalarBody body) {
  RankedTensorType type = typeOf(tokens.front());
  SmallVector<AffineMap> maps(tokens.size(), b.getMultiDimIdentityMap(1));
  return reduce(b, withShape(type, {}), 1, {}, 0.0, tokens, maps, [&](ImplicitLocOpBuilder &s, ValueRange v) {
    Value share = constant(s, v[0].getType(), 1.0 / type.getDimSize(0));
    return add(s, v.back(), mul(s, share, body(s, v.drop_back())));
  });
}

//===--- last_step ---------------------------------------------------------------------------===//

LogicalResult LastStepOp::verify() {
  if (getMask().getType().getShape() != ArrayRef<int64_t>(getCount())) // last_step-c1
    return emitOpError("marks one of ") << getCount() << " iterations, so its type has shape [" << getCount()
                                        << "]; found " << getMask().getType();
  return success();
}

SmallVector<int64_t> LastStepOp::getOwnShape() { return {int64_t(getCount())}; }

/// A loop that counts, so that its program is the same for any count.
SmallVector<Value> LastStepOp::decompose(ImplicitLocOpBuilder &b) {
  RankedTensorType scalar = LoopOp::sliceOf(getMask().getType());
  auto loop = LoopOp::create(b, getLoopName(), getCount(), constant(b, scalar, 0.0), ValueRange(), false,
                             [&](ImplicitLocOpBuilder &in, ArrayRef<BlockArgument> step, ArrayRef<BlockArgument>) {
                               Value next = add(in, step[0], constant(in, scalar, 1.0));
                               Value mark = pointwise(in, Value(step[0]), [&](ImplicitLocOpBuilder &s, ValueRange v) {
                                 auto c = [&](double value) { return constant(s, v[0].getType(), value); };
                                 Value isLast =
                                     arith::CmpFOp::create(s, arith::CmpFPredicate::OEQ, v[0], c(getCount() - 1));
                                 return Value(arith::SelectOp::create(s, isLast, c(1.0), c(0.0)));
                               });
                               YieldOp::create(in, next, mark);
                             });
  return {loop.getResult(1)};
}

//===--- gate --------------------------------------------------------------------------------===//

LogicalResult GateOp::verify() {
  if (getW().getType().getDimSize(0) != getH().getType().getDimSize(1)) // gate-c1
    return emitOpError("w ") << getW().getType() << " does not match the " << getH().getType().getDimSize(1)
                             << " channels of h " << getH().getType();
  if (getBias().getType().getDimSize(0) != 1) // gate-c2
    return emitOpError("bias ") << getBias().getType() << " is shared by all tokens: its shape is [1]";
  return success();
}

SmallVector<Value> GateOp::decompose(ImplicitLocOpBuilder &b) {
  Value dot = reduce(b, getZ().getType(), 2, {0}, 0.0, {getH(), getW()},
                     {b.getMultiDimIdentityMap(2), projection(getContext(), 2, {1})}, sumProducts);
  Value bias = tensor::CollapseShapeOp::create(b, getBias(), ArrayRef<ReassociationIndices>());
  return {pointwise(b, {dot, bias}, [](ImplicitLocOpBuilder &s, ValueRange v) { return add(s, v[0], v[1]); })};
}

LogicalResult GateOp::buildVJP(ImplicitLocOpBuilder &b, Cotangents &ct) {
  auto [full, row, column] = MatrixMaps(getContext());
  Value dz = ct.of(getZ());
  if (ct.wants(getH()))
    ct.add(b, getH(),
           pointwise(b, getH().getType(), {dz, getW()}, {row, column},
                     [](ImplicitLocOpBuilder &s, ValueRange v) { return mul(s, v[0], v[1]); }));
  if (ct.wants(getW()))
    ct.add(b, getW(), reduce(b, getW().getType(), 2, {1}, 0.0, {dz, getH()}, {row, full}, sumProducts));
  if (ct.wants(getBias())) // Column 0 is the only one.
    ct.add(b, getBias(), reduce(b, getBias().getType(), 2, {1}, 0.0, {dz}, {row}, sumUp));
  return success();
}

//===--- exit_step ---------------------------------------------------------------------------===//

/// log_p of an exit_step from the elements (z, log_survival, last).
static Value logExit(ImplicitLocOpBuilder &s, Value z, Value logSurvival, Value last) {
  Value more = sub(s, constant(s, z.getType(), 1.0), last);
  return sub(s, logSurvival, mul(s, more, softplus(s, arith::NegFOp::create(s, z))));
}

SmallVector<Value> ExitStepOp::decompose(ImplicitLocOpBuilder &b) {
  Value logP = pointwise(b, {getZ(), getLogSurvival(), getLast()},
                         [](ImplicitLocOpBuilder &s, ValueRange v) { return logExit(s, v[0], v[1], v[2]); });
  Value p =
      pointwise(b, logP, [](ImplicitLocOpBuilder &s, ValueRange v) { return Value(math::ExpOp::create(s, v[0])); });
  Value next = pointwise(b, {getZ(), getLogSurvival()},
                         [](ImplicitLocOpBuilder &s, ValueRange v) { return sub(s, v[1], softplus(s, v[0])); });
  return {p, logP, next};
}

LogicalResult ExitStepOp::buildVJP(ImplicitLocOpBuilder &b, Cotangents &ct) {
  // The cotangent of log_p, with that of p = exp(log_p). p is formed again: z and log_survival
  // suffice.
  Value dLogP = pointwise(b, {getZ(), getLogSurvival(), ct.ofOrZero(b, getP()), ct.ofOrZero(b, getLogP()), getLast()},
                          [](ImplicitLocOpBuilder &s, ValueRange v) {
                            Value p = math::ExpOp::create(s, logExit(s, v[0], v[1], v[4]));
                            return add(s, v[3], mul(s, v[2], p));
                          });
  Value dNext = ct.ofOrZero(b, getNextLogSurvival());
  if (ct.wants(getLogSurvival()))
    ct.add(b, getLogSurvival(),
           pointwise(b, {dLogP, dNext}, [](ImplicitLocOpBuilder &s, ValueRange v) { return add(s, v[0], v[1]); }));
  if (ct.wants(getZ())) // ∂ln λ = 1−λ, ∂ln(1−λ) = −λ
    ct.add(b, getZ(), pointwise(b, {getZ(), dLogP, dNext, getLast()}, [](ImplicitLocOpBuilder &s, ValueRange v) {
             Value more = sub(s, constant(s, v[0].getType(), 1.0), v[3]);
             Value goesOn = sigmoid(s, arith::NegFOp::create(s, v[0]));
             return sub(s, mul(s, mul(s, more, goesOn), v[1]), mul(s, sigmoid(s, v[0]), v[2]));
           }));
  return success();
}

//===--- entropy -----------------------------------------------------------------------------===//

/// `value` where p > 0, else 0: there log_p may be −∞.
static Value wherePossible(ImplicitLocOpBuilder &s, Value p, Value value) {
  Value zero = constant(s, p.getType(), 0.0);
  return arith::SelectOp::create(s, arith::CmpFOp::create(s, arith::CmpFPredicate::OGT, p, zero), value, zero);
}

SmallVector<Value> EntropyOp::decompose(ImplicitLocOpBuilder &b) {
  return {meanOverTokens(b, {getP(), getLogP()}, [](ImplicitLocOpBuilder &s, ValueRange v) {
    return wherePossible(s, v[0], arith::NegFOp::create(s, mul(s, v[0], v[1])));
  })};
}

LogicalResult EntropyOp::buildVJP(ImplicitLocOpBuilder &b, Cotangents &ct) {
  double share = -1.0 / getP().getType().getDimSize(0);
  Value dh = ct.of(getH());
  auto scaled = [&](Value other) { // −(dh/N)·other where p > 0
    return pointwise(b, {getP(), other, dh}, [&](ImplicitLocOpBuilder &s, ValueRange v) {
      Value each = mul(s, v[2], constant(s, v[2].getType(), share));
      return wherePossible(s, v[0], mul(s, each, v[1]));
    });
  };
  if (ct.wants(getP()))
    ct.add(b, getP(), scaled(getLogP()));
  if (ct.wants(getLogP()))
    ct.add(b, getLogP(), scaled(getP()));
  return success();
}

//===--- gate_loss ---------------------------------------------------------------------------===//

/// The target to go on, w, of a token that improved from `before` to `after`.
static Value goOnTarget(ImplicitLocOpBuilder &s, GateLossOp op, Value before, Value after) {
  Type f = before.getType();
  Value gain = arith::MaximumFOp::create(s, sub(s, before, after), constant(s, f, 0.0));
  Value margin = sub(s, gain, constant(s, f, op.getGamma().convertToDouble()));
  return sigmoid(s, mul(s, constant(s, f, op.getK().convertToDouble()), margin));
}

SmallVector<Value> GateLossOp::decompose(ImplicitLocOpBuilder &b) {
  Value bce = meanOverTokens(b, {getZ(), getNllPrev(), getNll()}, [&](ImplicitLocOpBuilder &s, ValueRange v) {
    Value w = goOnTarget(s, *this, v[1], v[2]), stops = sub(s, constant(s, w.getType(), 1.0), w);
    return add(s, mul(s, w, softplus(s, v[0])), mul(s, stops, softplus(s, arith::NegFOp::create(s, v[0]))));
  });
  return {mul(b, bce, getActive())};
}

LogicalResult GateLossOp::buildVJP(ImplicitLocOpBuilder &b, Cotangents &ct) {
  if (!ct.wants(getZ()))
    return success();
  // Formed beside the loss, where all it needs is at hand: one residual instead of four.
  ImplicitLocOpBuilder before(getLoc(), *this);
  double share = 1.0 / getZ().getType().getDimSize(0);
  Value dz =
      pointwise(before, {getZ(), getNllPrev(), getNll(), getActive()}, [&](ImplicitLocOpBuilder &s, ValueRange v) {
        Type f = v[0].getType();
        Value error = sub(s, add(s, sigmoid(s, v[0]), goOnTarget(s, *this, v[1], v[2])), constant(s, f, 1.0));
        return mul(s, mul(s, v[3], constant(s, f, share)), error);
      });
  ct.add(b, getZ(), ScaleOp::create(b, dz, ct.of(getLoss())));
  return success();
}
