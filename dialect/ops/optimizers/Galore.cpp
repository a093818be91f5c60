// GaLore: rules that run on gradients projected on a low-rank basis.
#include "dialect/ops/optimizers/Optimizer.h"
#include "dialect/ops/quantize/Blocks.h"

using namespace mlir;
using namespace mlir::nanochat;

namespace {
/// One of the matrices of a parameter, (…, m, n).
struct Shape {
  SmallVector<int64_t> stack;
  int64_t m, n, rank;
  Shape(RankedTensorType param, int64_t most)
      : stack(param.getShape().drop_back(2)), m(param.getShape().end()[-2]), n(param.getShape().end()[-1]),
        rank(std::min({most, m, n})) {}
  bool isTall() const { return m > n; }
  RankedTensorType stacked(RankedTensorType like, int64_t rows, int64_t columns) const {
    SmallVector<int64_t> shape(stack);
    shape.append({rows, columns});
    return withShape(like, shape);
  }
};
} // namespace

LogicalResult GaloreOp::verify() { // galore-c1
  if (getClip() != "none" && getClip() != "projected")
    return emitOpError("has clip = \"") << getClip() << "\", expected \"none\" or \"projected\"";
  if (!symbolizeGaloreBase(getBase())) // galore-c2
    return emitOpError("has base = \"") << getBase() << "\", expected \"sgd\", \"adam\", \"adam8\" or \"muon\"";
  return verifyMatrices(*this); // galore-c3
}

RankedTensorType GaloreOp::getGradientType(RankedTensorType param) {
  Shape shape(param, getRank());
  return shape.isTall() ? shape.stacked(param, shape.m, shape.rank) : shape.stacked(param, shape.rank, shape.n);
}

SmallVector<OptimizerState> GaloreOp::getStates(RankedTensorType param) {
  if (param.getRank() < 2)
    return {};
  Shape shape(param, getRank());
  RankedTensorType projected = getGradientType(param);
  SmallVector<OptimizerState> states{{"basis", shape.stacked(param, std::min(shape.m, shape.n), shape.rank)}};
  switch (symbolizeGaloreBase(getBase()).value_or(GaloreBase::sgd)) {
  case GaloreBase::sgd:
    break;
  case GaloreBase::adam:
    states.push_back({"m", projected});
    states.push_back({"v", projected});
    break;
  case GaloreBase::adam8:
    appendCodedState(states, "m", projected, getBlock());
    appendCodedState(states, "v", projected, getBlock());
    break;
  case GaloreBase::muon:
    states.push_back({"momentum", projected});
  }
  states.push_back({"count", withShape(param, {})});
  return states;
}

int64_t GaloreOp::getBasisRank() { return getRank(); }
int64_t GaloreOp::getBasisPeriod() { return getPeriod(); }

Value GaloreOp::buildBasis(OpBuilder &builder, Value gradient, Value stream, Value matrix, Value step) {
  auto type = typeOf(gradient);
  Shape shape(type, getRank());
  auto basis = LowRankBasisOp::create(builder, getLoc(), withShape(type, {std::min(shape.m, shape.n), shape.rank}),
                                      gradient, stream, matrix, step);
  basis.setOversample(getOversample());
  basis.setIterations(getIterations());
  return basis;
}

/// The direction of the base rule for projected gradients, and its new states.
static std::pair<Value, SmallVector<Value>> step(GaloreOp op, ImplicitLocOpBuilder &b, Value t) {
  Value r = op.getGrad();
  auto type = typeOf(r);
  ValueRange states = ValueRange(op.getStates()).drop_front().drop_back();
  Adam adam{op.getBeta1().convertToDouble(), op.getBeta2().convertToDouble(), op.getEps().convertToDouble(), t};
  switch (op.getRule()) {
  case GaloreBase::sgd:
    return {r, {}};
  case GaloreBase::adam: {
    Value m = adam.first(b, states[0], r), v = adam.second(b, states[1], r);
    return {adam.direction(b, m, v), {m, v}};
  }
  case GaloreBase::adam8: {
    CodedAdam next = adam.stepCoded(b, states, toBlocks(b, r, blocksOf(type, op.getBlock())));
    return {fromBlocks(b, next.direction, type), next.states};
  }
  case GaloreBase::muon:
    break;
  }
  Muon muon{op.getMomentum().convertToDouble(), true, 5, 1e-7};
  Value m = muon.accumulate(b, states[0], r), o = muon.direction(b, m, r);
  return {combine(b, o, Muon::scale(typeOf(op.getParam())), o, 0.0), {m}};
}

SmallVector<Value> GaloreOp::decompose(ImplicitLocOpBuilder &b) {
  Shape shape(typeOf(getParam()), getRank());
  Value basis = getStates().front(), t = nextCount(b, getStates().back());
  auto [direction, states] = step(*this, b, t);
  double alpha = getAlpha().convertToDouble();
  Value w = forEachMatrix(b, {getParam(), basis, direction}, [&](ImplicitLocOpBuilder &in, ValueRange v) -> Value {
    Value back =
        shape.isTall() ? MatmulOp::create(in, v[2], v[1], false, true) : MatmulOp::create(in, v[1], v[2], false, false);
    return descend(in, v[0], back, alpha, getLr(), getWeightDecay());
  });
  SmallVector<Value> results{w, basis};
  llvm::append_range(results, states);
  results.push_back(t);
  return results;
}

int64_t GaloreOp::getFlops() {
  auto param = typeOf(getParam());
  Shape shape(param, getRank());
  int64_t back = 2 * param.getNumElements() * shape.rank;
  return back + (getRule() == GaloreBase::muon ? muonFlops(getGradientType(param), 5) : 0);
}
