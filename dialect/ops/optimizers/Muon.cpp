// Muon: momentum whose update is orthogonalised by gemms.
#include "dialect/ops/optimizers/Optimizer.h"
#include "dialect/ops/quantize/Blocks.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::nanochat;

//===--- newton_schulz -----------------------------------------------------------------------===//

/// g/(‖g‖_F + eps)
static Value normalized(ImplicitLocOpBuilder &b, Value g, double eps) {
  Value norm = GradNormOp::create(b, ValueRange{g});
  return pointwise(b, {g, norm}, [&](ImplicitLocOpBuilder &s, ValueRange v) {
    return div(s, v[0], add(s, v[1], constant(s, v[1].getType(), eps)));
  });
}

SmallVector<Value> NewtonSchulzOp::decompose(ImplicitLocOpBuilder &b) {
  auto type = typeOf(getG());
  // Products with the smaller Gram matrix; on its side, K = Kᵀ needs no transpose.
  bool tall = type.getDimSize(0) > type.getDimSize(1);
  double a = getA().convertToDouble(), kGain = getB().convertToDouble(), k2Gain = getC().convertToDouble();
  auto loop = LoopOp::create(b, "newton_schulz", getSteps(), normalized(b, getG(), getEps().convertToDouble()),
                             ValueRange(), false, [&](ImplicitLocOpBuilder &in, ArrayRef<BlockArgument> carry, auto) {
                               Value x = carry[0];
                               Value k = MatmulOp::create(in, x, x, /*trans_a=*/tall, /*trans_b=*/!tall);
                               // A cubic needs no K².
                               Value p = k2Gain == 0.0
                                             ? k
                                             : combine(in, k, kGain, MatmulOp::create(in, k, k, false, false), k2Gain);
                               Value px = MatmulOp::create(in, tall ? x : p, tall ? p : x, false, false);
                               YieldOp::create(in, combine(in, x, a, px, k2Gain == 0.0 ? kGain : 1.0), ValueRange());
                             });
  return {loop.getResult(0)};
}

/// Three products per step: X·Xᵀ, K², (b·K + c·K²)·X.
int64_t mlir::nanochat::orthogonalizeFlops(RankedTensorType matrix, int64_t steps) {
  int64_t rows = matrix.getDimSize(0), columns = matrix.getDimSize(1);
  int64_t small = std::min(rows, columns), large = std::max(rows, columns);
  return steps * (4 * small * small * large + 2 * small * small * small);
}

int64_t NewtonSchulzOp::getFlops() { return orthogonalizeFlops(getG().getType(), getSteps()); }

//===--- muon --------------------------------------------------------------------------------===//

LogicalResult mlir::nanochat::verifyMatrices(Operation *rule) {
  auto type = typeOf(rule->getOperand(0));
  if (type.getRank() == 2 || type.getRank() == 3)
    return success();
  InFlightDiagnostic diag = rule->emitOpError("is for matrices, but its parameter has type ") << type;
  diag.attachNote()
      << "leave roles that are not hidden matrices (A, B) or stacks (L, A, B) of them to others, such as \"adamw\"";
  return diag;
}
LogicalResult MuonOp::verify() { return verifyMatrices(*this); }  // muon-c1
LogicalResult Muon8Op::verify() { return verifyMatrices(*this); } // muon8-c1

Value mlir::nanochat::forEachMatrix(ImplicitLocOpBuilder &b, ValueRange tensors,
                                    llvm::function_ref<Value(ImplicitLocOpBuilder &, ValueRange)> body) {
  auto type = typeOf(tensors[0]);
  if (type.getRank() == 2)
    return body(b, tensors);
  auto loop = LoopOp::create(b, "matrices", type.getDimSize(0), ValueRange(), tensors, false,
                             [&](ImplicitLocOpBuilder &in, auto, ArrayRef<BlockArgument> slices) {
                               SmallVector<Value> matrices(slices.begin(), slices.end());
                               YieldOp::create(in, ValueRange(), body(in, matrices));
                             });
  return loop.getResult(0);
}

double Muon::scale(RankedTensorType param) {
  ArrayRef<int64_t> matrix = param.getShape().take_back(2);
  return 0.2 * std::sqrt(std::max(matrix[0], matrix[1]));
}

Value Muon::direction(ImplicitLocOpBuilder &b, Value m, Value g) const {
  return forEachMatrix(b, {m, g}, [&](ImplicitLocOpBuilder &in, ValueRange v) -> Value {
    auto ns = NewtonSchulzOp::create(in, nesterov ? combine(in, v[0], momentum, v[1], 1.0) : v[0]);
    ns.setSteps(steps);
    ns.setEps(llvm::APFloat(eps));
    return ns;
  });
}

template <typename Op> static Muon rule(Op op) {
  return {op.getMomentum().convertToDouble(), op.getNesterov(), int64_t(op.getNsSteps()),
          op.getEps().convertToDouble()};
}

SmallVector<OptimizerState> MuonOp::getStates(RankedTensorType param) { return {{"momentum", param}}; }

SmallVector<Value> MuonOp::decompose(ImplicitLocOpBuilder &b) {
  Muon muon = rule(*this);
  Value m = muon.accumulate(b, getStates()[0], getGrad());
  double scale = Muon::scale(typeOf(getParam()));
  return {descend(b, getParam(), muon.direction(b, m, getGrad()), scale, getLr(), getWeightDecay()), m};
}

SmallVector<OptimizerState> Muon8Op::getStates(RankedTensorType param) {
  SmallVector<OptimizerState> states;
  appendCodedState(states, "momentum", param, getBlock());
  return states;
}

SmallVector<Value> Muon8Op::decompose(ImplicitLocOpBuilder &b) {
  Muon muon = rule(*this);
  auto type = typeOf(getParam());
  RankedTensorType blocks = blocksOf(type, getBlock());
  Value g = toBlocks(b, getGrad(), blocks);
  Value m = muon.accumulate(b, DequantizeBlocksOp::create(b, getStates()[0], getStates()[1], Format::int8), g);
  auto m8 = QuantizeBlocksOp::create(b, m, Format::int8);
  // Looks ahead while the block is at hand, rather than reading momentum and gradient once more.
  Value ahead = muon.nesterov ? combine(b, m, muon.momentum, g, 1.0) : m;
  Muon plain = muon;
  plain.nesterov = false;
  Value u = fromBlocks(b, ahead, type);
  Value w = descend(b, getParam(), plain.direction(b, u, u), Muon::scale(type), getLr(), getWeightDecay());
  return {w, m8.getCodes(), m8.getScales()};
}

int64_t mlir::nanochat::muonFlops(RankedTensorType param, int64_t steps) {
  if (param.getRank() == 2)
    return orthogonalizeFlops(param, steps);
  return param.getDimSize(0) * orthogonalizeFlops(LoopOp::sliceOf(param), steps);
}
int64_t MuonOp::getFlops() { return muonFlops(typeOf(getParam()), getNsSteps()); }
int64_t Muon8Op::getFlops() { return muonFlops(typeOf(getParam()), getNsSteps()); }
