#include "dialect/StepIR.h"
#include "lib/Optimize/Passes.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_BUILDUPDATESPASS
#include "lib/Optimize/Passes.h.inc"

namespace {
/// Builds the update entry of one phase.
class UpdateEntry {
public:
  UpdateEntry(ModelOp model, ObjectiveOp objective)
      : model(model), objective(objective),
        entry(model->getParentOfType<ModuleOp>(), EntryKind::update, objective.getPhase(), model.getLoc()) {}

  LogicalResult build() {
    for (Operation &op : model.getUpdate().front()) {
      if (auto scalar = dyn_cast<ScalarOp>(op)) {
        BindAttr binding = bindingOf(scalar);
        if (StringRef name = scalar.getScalarName(); name == "grad_norm") // what the gradients entry leaves
          binding = BindAttr::get(model.getContext(), BindingKind::output, name);
        map.map(scalar.getResult(), entry.argument(scalar.getType(), binding));
      } else if (auto metric = dyn_cast<MetricOp>(op)) {
        entry.result(map.lookup(metric.getValue()), BindingKind::output, metric.getMetricName());
      } else if (!isa<OptimizerOp, PhaseOp>(op)) {
        entry.builder.clone(op, map);
      }
    }
    for (auto param : model.getForward().getOps<ParamOp>()) {
      if (objective.getTrains() && !llvm::is_contained(*objective.getTrains(), param.getRoleAttr()))
        continue;
      auto optimizer = findOptimizer(param);
      if (failed(optimizer) || failed(update(param, *optimizer)))
        return failure();
    }
    entry.finish();
    return success();
  }

private:
  FailureOr<OptimizerOp> findOptimizer(ParamOp param) {
    for (auto optimizer : model.getUpdate().getOps<OptimizerOp>())
      if (llvm::is_contained(optimizer.getRoles(), param.getRoleAttr()))
        return optimizer;
    InFlightDiagnostic diag = param.emitOpError("has role '") << param.getRole() << "', which no optimizer updates";
    diag.attachNote(model.getLoc()) << "add to the update region: nanochat.optimizer \"adamw\" for [\""
                                    << param.getRole() << "\"] ...";
    return diag;
  }

  /// A global norm of gradients that exist only as projections is another one than that of gradients.
  LogicalResult checkClipping(OptimizerOp optimizer, bool projects) {
    auto clip = optimizer.getConfig().getAs<StringAttr>("clip");
    if (!projects || !optimizer.getGradScale() || (clip && clip.getValue() == "projected"))
      return success();
    InFlightDiagnostic diag = optimizer.emitOpError("scales gradients by a factor of their global norm, but '")
                              << optimizer.getRule() << "' keeps them as projections only";
    diag.attachNote()
        << "say that the norm of projections is meant, config = {clip = \"projected\"}, or leave out grad_scale";
    return diag;
  }

  LogicalResult update(ParamOp param, OptimizerOp optimizer) {
    auto type = cast<RankedTensorType>(param.getType());
    Location loc = optimizer.getLoc();
    OperationName rule((NanochatDialect::getDialectNamespace() + "." + optimizer.getRule()).str(), model.getContext());
    StringRef name = param.getParamName();
    int64_t rank = rule.getInterface<OptimizerOpInterface>()->getParamRank(),
            own = type.getRank() - param.getStack().has_value();
    if (rank && own != rank) {
      InFlightDiagnostic diag = param.emitOpError("has ") << own << " dimensions of its own, but '"
                                                          << optimizer.getRule() << "' updates parameters of " << rank;
      diag.attachNote(loc) << "give the role '" << param.getRole() << "' to another rule, such as \"adamw\"";
      return diag;
    }
    BindAttr binding = bindingOf(param);
    RuleForm form = formOf(rule, optimizer.getConfig(), type);
    if (failed(checkClipping(optimizer, form.gradient != type)))
      return failure();
    Value grad = entry.argument(form.gradient, BindingKind::gradient, name, param.getRole());
    if (optimizer.getGradScale())
      grad = ScaleOp::create(entry.builder, loc, grad, map.lookup(optimizer.getGradScale()));
    OperationState state(loc, rule);
    state.addOperands(
        {entry.argument(type, binding), grad, map.lookup(optimizer.getLr()), map.lookup(optimizer.getWeightDecay())});
    if (rule.getInterface<OptimizerOpInterface>()->drawsRandom())
      state.addOperands(createUpdateStream(entry.builder, loc, seed(), name));
    state.addTypes(type);
    SmallVector<std::string> names;
    for (const OptimizerState &kept : form.states) {
      names.push_back((name + "." + kept.name).str());
      state.addOperands(entry.argument(kept.type, BindingKind::state, names.back()));
      state.addTypes(kept.type);
    }
    state.addAttributes(optimizer.getConfig().getValue());
    Operation *op = entry.builder.create(state);
    entry.result(op->getResult(0), binding);
    for (auto [kept, result] : llvm::zip(names, op->getResults().drop_front()))
      entry.result(result, BindingKind::state, kept);
    return success();
  }

  Value seed() {
    if (!seedInput)
      seedInput =
          entry.argument(RankedTensorType::get({2}, entry.builder.getI32Type()), BindingKind::input, kSeedInput);
    return seedInput;
  }

  ModelOp model;
  ObjectiveOp objective;
  EntryBuilder entry;
  IRMapping map;
  Value seedInput; // once a rule draws
};

/// The entry of what is done between phases.
void buildPhase(ModelOp model, PhaseOp phase) {
  EntryBuilder entry(model->getParentOfType<ModuleOp>(), EntryKind::phase, phase.getPhaseName(), phase.getLoc());
  for (auto param : model.getForward().getOps<ParamOp>()) {
    if (!llvm::is_contained(phase.getRoles(), param.getRoleAttr()))
      continue;
    BindAttr binding = bindingOf(param);
    OperationState state(phase.getLoc(), (NanochatDialect::getDialectNamespace() + "." + phase.getRule()).str());
    state.addOperands(entry.argument(param.getType(), binding));
    state.addTypes(param.getType());
    state.addAttributes(phase.getConfig().getValue());
    entry.result(entry.builder.create(state)->getResult(0), binding);
  }
  entry.finish();
}

struct BuildUpdatesPass : impl::BuildUpdatesPassBase<BuildUpdatesPass> {
  void runOnOperation() override {
    for (auto model : llvm::to_vector(getOperation().getOps<ModelOp>())) {
      for (auto phase : model.getUpdate().getOps<PhaseOp>())
        buildPhase(model, phase);
      for (auto objective : model.getForward().getOps<ObjectiveOp>())
        if (failed(UpdateEntry(model, objective).build()))
          return signalPassFailure();
    }
  }
};
} // namespace
} // namespace mlir::nanochat
