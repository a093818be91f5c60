#include "dialect/ops/optimizers/Optimizer.h"
#include "dialect/ops/quantize/Blocks.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::nanochat;

LogicalResult OptimizerOp::verify() { // optimizer-c1 to optimizer-c3
  if (failed(verifyRule(*this, "update rule", getRule(), getConfig(),
                        [](RegisteredOperationName op) { return op.hasInterface<OptimizerOpInterface>(); })))
    return failure();
  auto rule = RegisteredOperationName::lookup(("nanochat." + getRule()).str(), getContext());
  bool isHyper = llvm::is_contained(getRoles().getAsValueRange<StringAttr>(), "hyper");
  if (isHyper && rule->hasInterface<ProjectingOptimizerOpInterface>()) // optimizer-c4
    return emitOpError("projects gradients of role 'hyper', which are no larger than their projections; "
                       "adamw is for coefficients of streams");
  return success();
}

std::string mlir::nanochat::listOps(MLIRContext *ctx, llvm::function_ref<bool(RegisteredOperationName)> holds) {
  SmallVector<StringRef> names;
  // getRegisteredOperationsByDialect finds none where dialects of greater names are loaded too.
  for (RegisteredOperationName op : ctx->getRegisteredOperations())
    if (op.getDialectNamespace() == NanochatDialect::getDialectNamespace() && holds(op))
      names.push_back(op.stripDialect());
  llvm::sort(names);
  return llvm::join(names, ", ");
}

LogicalResult mlir::nanochat::verifyRule(Operation *op, StringRef kind, StringRef rule, DictionaryAttr options,
                                         llvm::function_ref<bool(RegisteredOperationName)> isOfKind) {
  std::string name = (NanochatDialect::getDialectNamespace() + "." + rule).str();
  auto info = RegisteredOperationName::lookup(name, op->getContext());
  if (!info || !isOfKind(*info)) {
    InFlightDiagnostic diag = op->emitOpError("names the unknown ") << kind << " '" << rule << "'";
    diag.attachNote() << "rules are " << listOps(op->getContext(), isOfKind);
    return diag;
  }
  for (NamedAttribute option : options)
    if (!llvm::is_contained(info->getAttributeNames(), option.getName())) { // optimizer-c2
      InFlightDiagnostic diag = op->emitOpError("has the unknown option ")
                                << option.getName() << " of '" << rule << "'";
      diag.attachNote() << "options are the attributes of " << name << ": see docs/ops.md";
      return diag;
    }
  NamedAttrList attributes(options);
  return info->verifyInherentAttrs(attributes,
                                   [&] { return op->emitOpError("of rule '") << rule << "': "; }); // optimizer-c3
}

LogicalResult mlir::nanochat::verifyUpdate(Operation *op) {
  auto param = dyn_cast<RankedTensorType>(op->getOperand(0).getType());
  auto rule = cast<OptimizerOpInterface>(op);
  if (int64_t rank = rule.getParamRank(); param && rank && param.getRank() != rank && param.getRank() != rank + 1)
    return success(); // its own verifier says so
  RankedTensorType gradient = param ? rule.getGradientType(param) : param;
  if (!param || op->getOperand(1).getType() != gradient) // update-c1
    return op->emitOpError("updates a parameter of type ") << op->getOperand(0).getType() << " with a gradient of type "
                                                           << op->getOperand(1).getType() << ", expected " << gradient;
  OperandRange states = op->getOperands().drop_front(4 + rule.drawsRandom());
  SmallVector<OptimizerState> expected = rule.getStates(param);
  if (states.size() != expected.size()) { // update-c2
    InFlightDiagnostic diag = op->emitOpError("has ") << states.size() << " states, expected " << expected.size();
    for (const OptimizerState &state : expected)
      diag.attachNote() << "needs '" << state.name << "' of type " << state.type;
    return diag;
  }
  for (auto [value, state] : llvm::zip(states, expected)) // update-c3
    if (value.getType() != state.type)
      return op->emitOpError("state '") << state.name << "' has type " << value.getType() << ", expected "
                                        << state.type;
  return success();
}

RuleForm mlir::nanochat::formOf(OperationName rule, DictionaryAttr options, RankedTensorType param) {
  // An op without operands, only to be asked.
  OperationState state(UnknownLoc::get(param.getContext()), rule);
  state.addAttributes(options.getValue());
  Operation *op = Operation::create(state);
  auto asked = cast<OptimizerOpInterface>(op);
  RuleForm form{asked.getGradientType(param), asked.getStates(param)};
  op->destroy();
  return form;
}

//===--- What rules are made of --------------------------------------------------------------===//

Value mlir::nanochat::combine(ImplicitLocOpBuilder &b, Value x, double alpha, Value y, double beta) {
  return pointwise(b, {x, y}, [&](ImplicitLocOpBuilder &s, ValueRange v) {
    Type f = v[0].getType();
    return add(s, mul(s, constant(s, f, alpha), v[0]), mul(s, constant(s, f, beta), v[1]));
  });
}

Value mlir::nanochat::descend(ImplicitLocOpBuilder &b, Value w, Value direction, double scale, Value lr,
                              Value weightDecay) {
  return pointwise(b, {w, direction, lr, weightDecay}, [&](ImplicitLocOpBuilder &s, ValueRange v) {
    Value step = scale == 1.0 ? v[1] : mul(s, constant(s, v[1].getType(), scale), v[1]);
    return sub(s, v[0], mul(s, v[2], add(s, step, mul(s, v[3], v[0]))));
  });
}

Value mlir::nanochat::nextCount(ImplicitLocOpBuilder &b, Value count) {
  return add(b, count, constant(b, count.getType(), 1.0));
}

/// 1/(1 − betaᵗ) for rank-0 t. expm1 keeps the digits of a beta close to 1.
static Value biasCorrection(ImplicitLocOpBuilder &b, Value t, double beta) {
  Value exponent = mul(b, t, constant(b, t.getType(), std::log(beta)));
  return div(b, constant(b, t.getType(), -1.0), math::ExpM1Op::create(b, exponent));
}

Value Adam::second(ImplicitLocOpBuilder &b, Value v, Value g) const {
  return pointwise(b, {v, g}, [&](ImplicitLocOpBuilder &s, ValueRange x) {
    Type f = x[0].getType();
    return add(s, mul(s, constant(s, f, beta2), x[0]), mul(s, constant(s, f, 1.0 - beta2), mul(s, x[1], x[1])));
  });
}

Value Adam::direction(ImplicitLocOpBuilder &b, Value m, Value v) const {
  return pointwise(b, {m, v, biasCorrection(b, t, beta1), biasCorrection(b, t, beta2)},
                   [&](ImplicitLocOpBuilder &s, ValueRange x) {
                     Value root = math::SqrtOp::create(s, mul(s, x[1], x[3]));
                     return div(s, mul(s, x[0], x[2]), add(s, root, constant(s, root.getType(), eps)));
                   });
}

CodedAdam Adam::stepCoded(ImplicitLocOpBuilder &b, ValueRange states, Value g) const {
  CodedAdam next;
  next.m = first(b, DequantizeBlocksOp::create(b, states[0], states[1], Format::dynamic), g);
  next.v = second(b, DequantizeBlocksOp::create(b, states[2], states[3], Format::dynamic_unsigned), g);
  next.direction = direction(b, next.m, next.v);
  llvm::append_range(next.states, QuantizeBlocksOp::create(b, next.m, Format::dynamic).getResults());
  llvm::append_range(next.states, QuantizeBlocksOp::create(b, next.v, Format::dynamic_unsigned).getResults());
  return next;
}

//===--- sgd, lion ---------------------------------------------------------------------------===//

SmallVector<OptimizerState> SgdOp::getStates(RankedTensorType) { return {}; }

SmallVector<Value> SgdOp::decompose(ImplicitLocOpBuilder &b) {
  return {descend(b, getParam(), getGrad(), 1.0, getLr(), getWeightDecay())};
}

SmallVector<OptimizerState> LionOp::getStates(RankedTensorType param) { return {{"momentum", param}}; }

SmallVector<Value> LionOp::decompose(ImplicitLocOpBuilder &b) {
  Value m = getStates()[0];
  double beta1 = getBeta1().convertToDouble(), beta2 = getBeta2().convertToDouble();
  Value u = combine(b, m, beta1, getGrad(), 1 - beta1);
  Value sign = pointwise(b, u, [](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
    Value zero = constant(s, v[0].getType(), 0.0),
          one = math::CopySignOp::create(s, constant(s, v[0].getType(), 1.0), v[0]);
    Value isZero = arith::CmpFOp::create(s, arith::CmpFPredicate::OEQ, v[0], zero);
    return arith::SelectOp::create(s, isZero, zero, one);
  });
  return {descend(b, getParam(), sign, 1.0, getLr(), getWeightDecay()), combine(b, m, beta2, getGrad(), 1 - beta2)};
}

//===--- adamw, adamw8 -----------------------------------------------------------------------===//

SmallVector<OptimizerState> AdamwOp::getStates(RankedTensorType param) {
  return {{"m", param}, {"v", param}, {"count", withShape(param, {})}};
}

SmallVector<Value> AdamwOp::decompose(ImplicitLocOpBuilder &b) {
  Adam adam{getBeta1().convertToDouble(), getBeta2().convertToDouble(), getEps().convertToDouble(),
            nextCount(b, getStates()[2])};
  Value m = adam.first(b, getStates()[0], getGrad()), v = adam.second(b, getStates()[1], getGrad());
  Value w = descend(b, getParam(), adam.direction(b, m, v), 1.0, getLr(), getWeightDecay());
  return {w, m, v, adam.t};
}

SmallVector<OptimizerState> Adamw8Op::getStates(RankedTensorType param) {
  SmallVector<OptimizerState> states;
  appendCodedState(states, "m", param, getBlock());
  appendCodedState(states, "v", param, getBlock());
  states.push_back({"count", withShape(param, {})});
  return states;
}

SmallVector<Value> Adamw8Op::decompose(ImplicitLocOpBuilder &b) {
  auto type = typeOf(getParam());
  RankedTensorType blocks = blocksOf(type, getBlock());
  OperandRange states = getStates();
  Adam adam{getBeta1().convertToDouble(), getBeta2().convertToDouble(), getEps().convertToDouble(),
            nextCount(b, states[4])};
  Value w = toBlocks(b, getParam(), blocks), g = toBlocks(b, getGrad(), blocks);
  CodedAdam next = adam.stepCoded(b, states, g);
  SmallVector<Value> results{fromBlocks(b, descend(b, w, next.direction, 1.0, getLr(), getWeightDecay()), type)};
  llvm::append_range(results, next.states);
  results.push_back(adam.t);
  return results;
}
