// What happens between phases of training.
#include "dialect/ops/optimizers/Optimizer.h"

using namespace mlir;
using namespace mlir::nanochat;

LogicalResult PhaseOp::verify() {
  std::string name = (NanochatDialect::getDialectNamespace() + "." + getRule()).str();
  auto info = RegisteredOperationName::lookup(name, getContext());
  if (!info || !info->hasTrait<RewritesParameterOp>()) { // phase-c1
    InFlightDiagnostic diag = emitOpError("names the unknown rule '") << getRule() << "'";
    diag.attachNote() << "rules are " << listOps(getContext(), [](RegisteredOperationName op) {
      return op.hasTrait<RewritesParameterOp>();
    });
    return diag;
  }
  return verifyOptions(*this, getRule(), getConfig()); // phase-c2
}

LogicalResult FireOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                       SmallVectorImpl<Type> &types) {
  types.push_back(adaptor.getW().getType());
  return success();
}

LogicalResult FireOp::verify() { return verifyMatrices(*this); } // fire-c1

FailureOr<SmallVector<Value>> FireOp::decomposeOperation(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  auto type = cast<RankedTensorType>(getW().getType());
  double gain = std::sqrt(double(type.getShape().end()[-2]) / double(type.getShape().end()[-1]));
  auto number = [](double v) { return llvm::APFloat(v); };
  return SmallVector<Value>{forEachMatrix(b, getW(), [&](ImplicitLocOpBuilder &in, ValueRange v) {
    Value x = NewtonSchulzOp::create(in, v[0], getSteps(), number(1.5), number(-0.5), number(0.0), number(1e-30));
    return combine(in, x, gain, x, 0.0);
  })};
}

int64_t FireOp::getFlops() { return muonFlops(cast<RankedTensorType>(getW().getType()), getSteps()); }
