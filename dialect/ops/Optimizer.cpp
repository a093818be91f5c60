#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"
#include "mlir/Dialect/Math/IR/Math.h"

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
  for (NamedAttribute option : getConfig())
    if (!llvm::is_contained(info->getAttributeNames(), option.getName())) { // optimizer-c2
      InFlightDiagnostic diag = emitOpError("has the unknown option ") << option.getName() << " of '" << getRule() << "'";
      diag.attachNote() << "options are the attributes of " << name << ": see docs/ops.md";
      return diag;
    }
  return success();
}

LogicalResult mlir::nanochat::verifyUpdate(Operation *op) {
  auto param = dyn_cast<RankedTensorType>(op->getOperand(0).getType());
  if (!param || op->getOperand(1).getType() != param) // update-c1
    return op->emitOpError("updates a parameter of type ")
           << op->getOperand(0).getType() << " with a gradient of type "
           << op->getOperand(1).getType();
  OperandRange states = op->getOperands().drop_front(4);
  SmallVector<OptimizerState> expected = cast<OptimizerOpInterface>(op).getStates(param);
  if (states.size() != expected.size()) { // update-c2
    InFlightDiagnostic diag = op->emitOpError("has ")
                              << states.size() << " states, expected " << expected.size();
    for (const OptimizerState &state : expected)
      diag.attachNote() << "needs '" << state.name << "' of type " << state.type;
    return diag;
  }
  for (auto [value, state] : llvm::zip(states, expected)) // update-c3
    if (value.getType() != state.type)
      return op->emitOpError("state '")
             << state.name << "' has type " << value.getType() << ", expected " << state.type;
  return success();
}

//===------------------------------------------------------------------------------------------===//
// sgd
//===------------------------------------------------------------------------------------------===//

SmallVector<OptimizerState> SgdOp::getStates(RankedTensorType) { return {}; }

FailureOr<SmallVector<Value>> SgdOp::decomposeOperation(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  auto type = cast<RankedTensorType>(getParam().getType());
  AffineMap full = b.getMultiDimIdentityMap(type.getRank()),
            scalar = projection(getContext(), type.getRank(), {});
  return SmallVector<Value>{
      pointwise(b, type, {getParam(), getGrad(), getLr(), getWeightDecay()},
                {full, full, scalar, scalar}, [](ImplicitLocOpBuilder &s, ValueRange v) {
                  return sub(s, v[0], mul(s, v[2], add(s, v[1], mul(s, v[3], v[0]))));
                })};
}

//===------------------------------------------------------------------------------------------===//
// adamw
//===------------------------------------------------------------------------------------------===//

SmallVector<OptimizerState> AdamwOp::getStates(RankedTensorType param) {
  return {{"m", param}, {"v", param}, {"count", withShape(param, {})}};
}

/// 1 − betaᵗ for rank-0 t. expm1 keeps the digits of a beta close to 1.
static Value biasCorrection(ImplicitLocOpBuilder &b, Value t, double beta) {
  Value exponent = mul(b, t, constant(b, t.getType(), std::log(beta)));
  return arith::NegFOp::create(b, math::ExpM1Op::create(b, exponent));
}

FailureOr<SmallVector<Value>> AdamwOp::decomposeOperation(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  auto type = cast<RankedTensorType>(getParam().getType());
  AffineMap full = b.getMultiDimIdentityMap(type.getRank()),
            scalar = projection(getContext(), type.getRank(), {});
  double beta1 = getBeta1().convertToDouble(), beta2 = getBeta2().convertToDouble();
  Value t = add(b, getStates()[2], constant(b, getStates()[2].getType(), 1.0));
  Value m = pointwise(b, type, {getStates()[0], getGrad()}, {full, full},
                      [&](ImplicitLocOpBuilder &s, ValueRange v) {
                        Type f = v[0].getType();
                        return add(s, mul(s, constant(s, f, beta1), v[0]),
                                   mul(s, constant(s, f, 1.0 - beta1), v[1]));
                      });
  Value v2 = pointwise(b, type, {getStates()[1], getGrad()}, {full, full},
                       [&](ImplicitLocOpBuilder &s, ValueRange v) {
                         Type f = v[0].getType();
                         Value square = mul(s, v[1], v[1]);
                         return add(s, mul(s, constant(s, f, beta2), v[0]),
                                    mul(s, constant(s, f, 1.0 - beta2), square));
                       });
  Value w = pointwise(b, type,
                      {getParam(), m, v2, getLr(), getWeightDecay(), biasCorrection(b, t, beta1),
                       biasCorrection(b, t, beta2)},
                      {full, full, full, scalar, scalar, scalar, scalar},
                      [&](ImplicitLocOpBuilder &s, ValueRange v) {
                        Value root = math::SqrtOp::create(s, div(s, v[2], v[6]));
                        Value step = div(
                            s, div(s, v[1], v[5]),
                            add(s, root, constant(s, root.getType(), getEps().convertToDouble())));
                        return sub(s, v[0], mul(s, v[3], add(s, step, mul(s, v[4], v[0]))));
                      });
  return SmallVector<Value>{w, m, v2, t};
}
