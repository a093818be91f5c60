// What happens between phases of training.
#include "dialect/ops/optimizers/Optimizer.h"

using namespace mlir;
using namespace mlir::nanochat;

LogicalResult PhaseOp::verify() { // phase-c1, phase-c2
  return verifyRule(*this, "rule", getRule(), getConfig(),
                    [](RegisteredOperationName op) { return op.hasTrait<RewritesParameterOp>(); });
}

LogicalResult FireOp::verify() { return verifyMatrices(*this); } // fire-c1

SmallVector<Value> FireOp::decompose(ImplicitLocOpBuilder &b) {
  auto type = typeOf(getW());
  double gain = std::sqrt(double(type.getShape().end()[-2]) / double(type.getShape().end()[-1]));
  auto number = [](double v) { return llvm::APFloat(v); };
  return {forEachMatrix(b, getW(), [&](ImplicitLocOpBuilder &in, ValueRange v) {
    Value x = NewtonSchulzOp::create(in, v[0], getSteps(), number(1.5), number(-0.5), number(0.0), number(1e-30));
    return combine(in, x, gain, x, 0.0);
  })};
}

int64_t FireOp::getFlops() { return muonFlops(typeOf(getW()), getSteps()); }
