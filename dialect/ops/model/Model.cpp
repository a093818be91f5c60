#include "dialect/Linalg.h"
#include "dialect/ops/model/Sizes.h"
#include "runtime/program/Program.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace mlir::nanochat;

/// The most elements of a vector that are logged one by one.
static constexpr int64_t kMostListed = 64;

/// Every metric once, and none that a log has already.
static LogicalResult verifyMetrics(ModelOp model) {
  static const llvm::StringSet<> taken{"loss",    "grad_norm",    "logits",         "step",        "phase", "seconds",
                                       "bpb",     "exit_depth",   "copy_nll",       "tok_s",       "mfu",   "val_loss",
                                       "val_bpb", "val_bpb_loop", "val_exit_depth", "val_copy_nll"};
  llvm::StringSet<> names = taken;
  auto isTaken = [&](MetricOp metric, const Twine &name) -> LogicalResult {
    if (names.insert(name.str()).second) // model-c4
      return success();
    return metric.emitOpError("has the name '") << name << "', which is taken";
  };
  for (Region *region : {&model.getForward(), &model.getUpdate()})
    for (auto metric : region->getOps<MetricOp>()) {
      StringRef name = metric.getMetricName();
      RankedTensorType type = typeOf(metric.getValue());
      if (failed(isTaken(metric, name)))
        return failure();
      if (isUnsized(type) || type.getRank() != 1 || metric.isPerToken())
        continue;
      if (region == &model.getUpdate() || type.getDimSize(0) > kMostListed) // model-c18
        return metric.emitOpError("has the type ")
               << type << "; vectors other than 'nll' are logged by element, in the forward region, at most "
               << kMostListed << " of them";
      for (int64_t i = 1; i <= type.getDimSize(0); ++i)
        if (failed(isTaken(metric, name + "." + Twine(i))))
          return failure();
    }
  return success();
}

/// Numbers from a file once, one for each token.
static LogicalResult verifyTokenValues(ModelOp model) {
  TokensOp batch = *model.getForward().getOps<TokensOp>().begin();
  llvm::StringSet<> names;
  for (auto values : model.getForward().getOps<TokenValuesOp>()) {
    if (!names.insert(values.getValuesName()).second) // model-c20
      return values.emitOpError("is declared twice: use the first one's result");
    RankedTensorType type = values.getValues().getType();
    if (!isUnsized(type) && type.getShape() != typeOf(batch.getTokens()).getShape()) // model-c21
      return values.emitOpError("has ") << type.getDimSize(0) << " numbers for "
                                        << typeOf(batch.getTokens()).getDimSize(0)
                                        << " tokens: give activations of the batch to `like`";
  }
  return success();
}

/// Every parameter and phase once, and what they refer to exists.
static LogicalResult verifyForward(ModelOp model) {
  llvm::StringSet<> names, roles, phases{"phase"}; // which actions between phases begin with
  for (Operation &op : model.getForward().front()) {
    if (auto param = dyn_cast<ParamOp>(op)) {
      roles.insert(param.getRole());
      if (!names.insert(param.getParamName()).second) // model-c1
        return param.emitOpError("is declared twice: parameter names are unique");
    }
  }
  if (failed(verifyTokenValues(model)))
    return failure();
  for (auto objective : model.getForward().getOps<ObjectiveOp>()) {
    if (!phases.insert(objective.getPhase()).second) // model-c5
      return objective.emitOpError("is the second one of phase '")
             << objective.getPhase() << "': add the losses, or name another phase";
    auto trained = objective.getTrains() ? objective.getTrains()->getValue() : ArrayRef<Attribute>();
    for (Attribute role : trained)
      if (!roles.contains(cast<StringAttr>(role).getValue())) // model-c6
        return objective.emitOpError("trains the role ") << role << ", which no parameter has";
    TokensOp batch = *model.getForward().getOps<TokensOp>().begin();
    Value score = objective.getScore();
    if (score && !isUnsized(score.getType()) &&
        score.getType() != withElement(typeOf(batch.getTokens()), getElementTypeOrSelf(score))) // model-c19
      return objective.emitOpError("has a score of type ") << score.getType() << ", not one number for each of "
                                                           << typeOf(batch.getTokens()).getDimSize(0) << " tokens";
    if (roles.empty() || (objective.getTrains() && trained.empty())) // model-c8
      return objective.emitOpError("trains no parameter");
  }
  return success();
}

/// Actions once, and no steps uphill.
static LogicalResult verifyRules(ModelOp model) {
  llvm::StringSet<> updated, actions;
  for (auto optimizer : model.getUpdate().getOps<OptimizerOp>()) {
    for (Attribute role : optimizer.getRoles())
      if (!updated.insert(cast<StringAttr>(role).getValue()).second) // model-c7
        return optimizer.emitOpError("updates the role ") << role << ", which is updated already";
    // Schedules have the rate first.
    for (Operation *op = optimizer.getLr().getDefiningOp(); op;
         op = op->getNumOperands() ? op->getOperand(0).getDefiningOp() : nullptr)
      if (auto scalar = dyn_cast<ScalarOp>(op); scalar && scalar.getValue().convertToDouble() < 0.0) // model-c9
        return scalar.emitOpError("is a negative learning rate, which climbs: expected a number from zero");
  }
  for (auto phase : model.getUpdate().getOps<PhaseOp>())
    if (!actions.insert(phase.getPhaseName()).second) // model-c10
      return phase.emitOpError("has the name '") << phase.getPhaseName() << "', which is taken";
  return success();
}

LogicalResult ModelOp::verifyRegions() {
  if (failed(Sizes(getSizesAttr(), getSettingsAttr(), getPresetsAttr(), getLoc()).check())) // model-c13 to model-c16
    return failure();
  if (!isName(getSymName())) // model-c11
    return emitOpError(
        "has a name that files cannot hold: expected 1 to 128 bytes of UTF-8 without control characters");
  auto objectives = getForward().getOps<ObjectiveOp>();
  if (objectives.empty()) { // model-c2
    InFlightDiagnostic diag = emitOpError("has no objective");
    diag.attachNote() << "end the forward region with: nanochat.objective \"train\" %loss : tensor<f32>";
    return diag;
  }
  auto batches = llvm::to_vector(getForward().getOps<TokensOp>());
  if (batches.size() != 1) { // model-c3
    InFlightDiagnostic diag = emitOpError("has ") << batches.size() << " batches, expected one";
    diag.attachNote() << "begin the forward region with: %tokens, %targets = nanochat.tokens batch = 8 seq = 256";
    return diag;
  }
  if (failed(verifyMetrics(*this)) || failed(verifyForward(*this)))
    return failure();
  bool isTaken = walk([](LoopOp loop) { // model-c12
                   if (!llvm::is_contained({"batch", "seq", "accum"}, loop.getLoopName()))
                     return WalkResult::advance();
                   loop.emitOpError("has the name '") << loop.getLoopName() << "', which is that of another size";
                   return WalkResult::interrupt();
                 })
                     .wasInterrupted();
  return failure(isTaken || failed(verifyRules(*this)));
}

LogicalResult TokenValuesOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                              SmallVectorImpl<Type> &types) {
  types.push_back(withShape(typeOf(adaptor.getLike()), {typeOf(adaptor.getLike()).getDimSize(0)}));
  return success();
}

LogicalResult TokenValuesOp::verify() {
  if (getValuesName() != nc::kReference) // token_values-c1
    return emitOpError("has the name '") << getValuesName() << "'; what programs read from a file is '"
                                         << nc::kReference << "'";
  return success();
}

LogicalResult ScalarOp::verify() { // scalar-c1
  if (nc_input input = nc::inputOf(getScalarName()); input == NC_OF_BATCH || input == NC_OF_RUN)
    return emitOpError("has the name '") << getScalarName() << "', which is that of an input the program fills";
  return success();
}

SmallVector<int64_t> ScalarOp::getOwnShape() { return {}; }
SmallVector<int64_t> NumberOp::getOwnShape() { return {}; }

LogicalResult NumbersOp::verify() {
  RankedTensorType type = getResult().getType();
  if (isUnsized(type) || type.getShape() == ArrayRef(getOwnShape())) // numbers-c1
    return success();
  return emitOpError("is ") << getValues().size() << " numbers of type " << type;
}

SmallVector<int64_t> NumbersOp::getOwnShape() { return {int64_t(getValues().size())}; }

SmallVector<Value> NumbersOp::decompose(ImplicitLocOpBuilder &b) {
  RankedTensorType type = getResult().getType();
  auto numbers = llvm::map_to_vector(getValues(), [&](Attribute value) -> Attribute {
    return FloatAttr::get(type.getElementType(), cast<FloatAttr>(value).getValueAsDouble());
  });
  return {arith::ConstantOp::create(b, DenseElementsAttr::get(type, numbers))};
}

SmallVector<Value> NumberOp::decompose(ImplicitLocOpBuilder &b) {
  return {constant(b, getType(), getValue().convertToDouble())};
}

LogicalResult TokensOp::inferReturnTypes(MLIRContext *ctx, std::optional<Location> loc, Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  int64_t tokens;
  if (int64_t(adaptor.getBatch()) < 0 || int64_t(adaptor.getSeq()) < 0) { // formulas whose values are yet to come
    types.assign(2, unsizedType(ctx));
    return success();
  }
  if (llvm::MulOverflow(int64_t(adaptor.getBatch()), int64_t(adaptor.getSeq()), tokens))
    return emitOptionalError(loc, "batch = ", adaptor.getBatch(), " times seq = ", adaptor.getSeq(), " is too large");
  types.assign(2, RankedTensorType::get({tokens}, IntegerType::get(ctx, 32)));
  return success();
}

SmallVector<int64_t> ParamOp::getOwnShape() {
  if (!getDims())
    return SmallVector<int64_t>(cast<RankedTensorType>(getType()).getShape());
  return llvm::map_to_vector(getDimsAttr(), [](Attribute dim) { return cast<Sized<IntegerAttr>>(dim).get().getInt(); });
}

LogicalResult ParamOp::verify() {
  auto type = cast<RankedTensorType>(getType());
  if (!type.hasStaticShape()) // param-c1
    return emitOpError("has type ") << type << ": shapes are static";
  if (getStack() && type.getRank() < 2) // param-c2
    return emitOpError("is stacked, so it needs a leading dimension before its own; found ") << type;
  if (getDims() && getOwnShape() != type.getShape()) // param-c4
    return emitOpError("has type ") << type << ", but other dimensions";
  if (getInit() == Init::normal && getScale().isNegative()) // param-c3
    return emitOpError("starts as normal(")
           << getScale().convertToDouble() << "), expected a standard deviation from zero";
  return success();
}

LogicalResult TokenConstantOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                                SmallVectorImpl<Type> &types) {
  auto like = typeOf(adaptor.getLike());
  types.push_back(withShape(like, {like.getDimSize(0)}));
  return success();
}

SmallVector<Value> TokenConstantOp::decompose(ImplicitLocOpBuilder &b) {
  return {constant(b, getType(), getValue().convertToDouble())};
}
