#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"

using namespace mlir;
using namespace mlir::nanochat;

LogicalResult OptimizerOp::verify() {
  std::string name = (NanochatDialect::getDialectNamespace() + "." + getRule()).str();
  auto info = RegisteredOperationName::lookup(name, getContext());
  if (!info || !info->hasInterface<OptimizerOpInterface>()) { // optimizer-c1
    InFlightDiagnostic diag = emitOpError("names the unknown update rule '") << getRule() << "'";
    diag.attachNote() << "rules are the ops with OptimizerOpInterface: see docs/ops.md";
    return diag;
  }
  return success();
}

LogicalResult SgdOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                      SmallVectorImpl<Type> &types) {
  types.push_back(adaptor.getParam().getType());
  return success();
}

SmallVector<OptimizerState> SgdOp::getStates(RankedTensorType) { return {}; }

FailureOr<SmallVector<Value>> SgdOp::decomposeOperation(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  auto type = cast<RankedTensorType>(getParam().getType());
  AffineMap full = b.getMultiDimIdentityMap(type.getRank()), scalar = projection(getContext(), type.getRank(), {});
  return SmallVector<Value>{pointwise(
      b, type, {getParam(), getGrad(), getLr(), getWeightDecay()}, {full, full, scalar, scalar},
      [](ImplicitLocOpBuilder &s, ValueRange v) {
        return sub(s, v[0], mul(s, v[2], add(s, v[1], mul(s, v[3], v[0]))));
      })};
}
