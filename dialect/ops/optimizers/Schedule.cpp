#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::nanochat;

namespace {
/// Arithmetic on the rank-0 tensors of one schedule.
struct Schedule {
  ImplicitLocOpBuilder &b;
  Value lr, step, steps;

  Value c(double value) { return constant(b, lr.getType(), value); }
  Value atMost(Value x, double bound) { return arith::MinimumFOp::create(b, x, c(bound)); }
  Value atLeast(Value x, double bound) { return arith::MaximumFOp::create(b, x, c(bound)); }

  /// lr, warmed up linearly over `warmup` steps.
  Value warm(int64_t warmup) {
    if (warmup == 0)
      return lr;
    return mul(b, lr, atMost(div(b, add(b, step, c(1.0)), c(warmup)), 1.0));
  }
  /// From x at rest = 1 to final·x at rest = 0.
  Value towards(Value x, double final, Value rest) { return mul(b, x, add(b, c(final), mul(b, c(1.0 - final), rest))); }
};
} // namespace

static LogicalResult verifyFraction(Operation *op, StringRef name, double value) {
  if (!(value >= 0.0 && value <= 1.0)) // wsd-c1, two_stage-c1
    return op->emitOpError(name) << " = " << value << " is not a fraction of the steps: expected 0 to 1";
  return success();
}
LogicalResult WsdOp::verify() { return verifyFraction(*this, "decay", getDecay().convertToDouble()); }
LogicalResult TwoStageOp::verify() { return verifyFraction(*this, "at", getAt().convertToDouble()); }

SmallVector<Value> WsdOp::decompose(ImplicitLocOpBuilder &b) {
  Schedule s{b, getLr(), getStep(), getSteps()};
  Value peak = s.warm(getWarmup());
  double decay = getDecay().convertToDouble();
  if (decay == 0.0)
    return {peak};
  Value left = s.atLeast(sub(s.b, s.steps, s.step), 0.0);
  Value rest = s.atMost(div(s.b, left, mul(s.b, s.c(decay), s.steps)), 1.0);
  return {s.towards(peak, getFinal().convertToDouble(), rest)};
}

SmallVector<Value> CosineOp::decompose(ImplicitLocOpBuilder &b) {
  Schedule s{b, getLr(), getStep(), getSteps()};
  Value warmup = s.c(getWarmup());
  Value done = s.atLeast(sub(s.b, s.step, warmup), 0.0);
  Value q = s.atMost(div(s.b, done, s.atLeast(sub(s.b, s.steps, warmup), 1.0)), 1.0);
  Value wave = math::CosOp::create(s.b, mul(s.b, q, s.c(3.14159265358979323846)));
  Value rest = mul(s.b, add(s.b, wave, s.c(1.0)), s.c(0.5));
  return {s.towards(s.warm(getWarmup()), getFinal().convertToDouble(), rest)};
}

SmallVector<Value> TwoStageOp::decompose(ImplicitLocOpBuilder &b) {
  Value bound = mul(b, getSteps(), constant(b, getX().getType(), getAt().convertToDouble()));
  Value before = arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, getStep(), bound);
  Value later = mul(b, getX(), constant(b, getX().getType(), getSecond().convertToDouble()));
  return {arith::SelectOp::create(b, before, getX(), later)};
}
