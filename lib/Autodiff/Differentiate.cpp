// From a model to its gradients and eval entries. The sweep itself is in dialect/interfaces/Vjp.cpp.
#include "dialect/Linalg.h"
#include "dialect/StepIR.h"
#include "lib/Autodiff/Passes.h"
#include "llvm/ADT/MapVector.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_DIFFERENTIATEPASS
#include "lib/Autodiff/Passes.h.inc"

namespace {
/// The forward region of a model, cloned: where its declarations ended up and what it reports.
struct ForwardPass {
  llvm::MapVector<Operation *, Value> params; // nanochat.param -> argument
  Value loss;
  SmallVector<std::pair<StringRef, Value>> metrics;
};

/// Builds one entry function from a model's forward region.
class ForwardEntry {
public:
  ForwardEntry(ModelOp model, StringRef name)
      : model(model), entry(model->getParentOfType<ModuleOp>(), name, model.getLoc()) {}

  /// Adds the model's parameters, scalars and `accum` batches as arguments.
  void declare(int64_t accum);
  /// Clones the compute ops at `b`; `tokens` and `targets` are one batch.
  ForwardPass clone(OpBuilder &b, Value tokens, Value targets, StringRef phase);

  ModelOp model;
  EntryBuilder entry;
  Value tokens, targets;

private:
  IRMapping declared;
  llvm::MapVector<Operation *, Value> params;
};

void ForwardEntry::declare(int64_t accum) {
  for (Operation &op : model.getForward().front()) {
    if (auto param = dyn_cast<ParamOp>(op)) {
      Binding binding{"param", param.getParamName(), param.getRole(), param.getInit(), param.getScale().convertToDouble()};
      params[param] = entry.argument(param.getType(), binding);
      declared.map(param.getResult(), params[param]);
    } else if (auto scalar = dyn_cast<ScalarOp>(op)) {
      Binding binding{"input", scalar.getScalarName(), "", Init::constant, scalar.getValue().convertToDouble()};
      declared.map(scalar.getResult(), entry.argument(scalar.getType(), binding));
    } else if (auto batch = dyn_cast<TokensOp>(op)) {
      auto type = cast<RankedTensorType>(batch.getTokens().getType());
      if (accum > 1)
        type = withShape(type, {accum, type.getDimSize(0)});
      tokens = entry.argument(type, {"input", "tokens"});
      targets = entry.argument(type, {"input", "targets"});
    }
  }
}

ForwardPass ForwardEntry::clone(OpBuilder &b, Value batchTokens, Value batchTargets, StringRef phase) {
  ForwardPass pass;
  pass.params = params;
  IRMapping map = declared;
  for (Operation &op : model.getForward().front()) {
    if (auto batch = dyn_cast<TokensOp>(op)) {
      map.map(batch.getTokens(), batchTokens);
      map.map(batch.getTargets(), batchTargets);
    } else if (auto objective = dyn_cast<ObjectiveOp>(op)) {
      if (objective.getPhase() == phase)
        pass.loss = map.lookup(objective.getLoss());
    } else if (auto metric = dyn_cast<MetricOp>(op)) {
      pass.metrics.push_back({metric.getMetricName(), map.lookup(metric.getValue())});
    } else if (!isa<ParamOp, ScalarOp>(op)) {
      b.clone(op, map);
    }
  }
  return pass;
}

struct DifferentiatePass : impl::DifferentiatePassBase<DifferentiatePass> {
  void runOnOperation() override {
    for (auto model : llvm::to_vector(getOperation().getOps<ModelOp>())) {
      for (auto objective : model.getForward().getOps<ObjectiveOp>())
        if (failed(buildGradients(model, objective)))
          return signalPassFailure();
      buildEval(model);
      if (failed(buildPredict(model)))
        return signalPassFailure();
    }
  }

  /// Gradients of one batch at `b`, per parameter that the phase trains; the loss is divided by `accum`.
  FailureOr<SmallVector<Value>> sweep(OpBuilder &b, ForwardPass &pass, ObjectiveOp objective, int64_t accum) {
    Cotangents ct;
    SmallVector<Value> trained;
    for (auto [op, arg] : pass.params)
      if (trains(objective, cast<ParamOp>(op))) {
        ct.markActive(arg);
        trained.push_back(arg);
      }
    Block *block = b.getInsertionBlock();
    ct.propagate(*block);
    ImplicitLocOpBuilder at(objective.getLoc(), b);
    ct.add(b, pass.loss, constant(at, pass.loss.getType(), 1.0 / accum));
    // The sweep replaces loops by ones that save more; an op that reads what is reported follows them.
    SmallVector<Value> reported{pass.loss};
    for (auto &metric : pass.metrics)
      reported.push_back(metric.second);
    auto anchor = func::ReturnOp::create(b, objective.getLoc(), reported);
    b.setInsertionPoint(anchor);
    if (failed(reverseSweep(b, *block, ct)))
      return failure();
    pass.loss = anchor.getOperand(0);
    for (auto [i, metric] : llvm::enumerate(pass.metrics))
      metric.second = anchor.getOperand(i + 1);
    b.setInsertionPointToEnd(block);
    anchor.erase();
    SmallVector<Value> grads;
    for (Value arg : trained)
      grads.push_back(ct.ofOrZero(b, arg));
    return grads;
  }

  static bool trains(ObjectiveOp objective, ParamOp param) {
    return !objective.getTrains() || llvm::is_contained(*objective.getTrains(), param.getRoleAttr());
  }

  LogicalResult buildGradients(ModelOp model, ObjectiveOp objective) {
    TokensOp batch = *model.getForward().getOps<TokensOp>().begin();
    int64_t accum = batch.getAccum();
    ForwardEntry forward(model, (objective.getPhase() + ".gradients").str());
    forward.declare(accum);
    EntryBuilder &entry = forward.entry;
    SmallVector<Value> grads;
    ForwardPass pass;
    if (accum == 1) {
      pass = forward.clone(entry.builder, forward.tokens, forward.targets, objective.getPhase());
      auto swept = sweep(entry.builder, pass, objective, 1);
      if (failed(swept))
        return failure();
      grads = *swept;
    } else if (failed(accumulate(forward, objective, accum, pass, grads))) {
      return failure();
    }
    entry.result(pass.loss, {"output", "loss"});
    for (auto [name, value] : pass.metrics)
      entry.result(value, {"output", name});
    entry.result(GradNormOp::create(entry.builder, model.getLoc(), grads), {"output", "grad_norm"});
    auto grad = grads.begin();
    for (auto [op, arg] : pass.params)
      if (auto param = cast<ParamOp>(op); trains(objective, param))
        entry.result(*grad++, {"gradient", param.getParamName(), param.getRole()});
    entry.finish();
    return success();
  }

  /// Micro-batches are a loop that sums gradients, averages the loss and scalar metrics, and stacks the others.
  LogicalResult accumulate(ForwardEntry &forward, ObjectiveOp objective, int64_t accum, ForwardPass &pass,
                           SmallVectorImpl<Value> &grads) {
    ImplicitLocOpBuilder at(objective.getLoc(), forward.entry.builder);
    auto loop = LoopOp::create(at, "accum", accum, ValueRange(), ValueRange{forward.tokens, forward.targets}, false,
                               [](ImplicitLocOpBuilder &in, auto, auto) { YieldOp::create(in); });
    // What is summed is known after the sweep, which needs the body in its place and open at the end.
    Block &body = loop.getBody().front();
    body.getTerminator()->erase();
    ImplicitLocOpBuilder in = ImplicitLocOpBuilder::atBlockEnd(at.getLoc(), &body);
    pass = forward.clone(in, body.getArgument(0), body.getArgument(1), objective.getPhase());
    auto swept = sweep(in, pass, objective, accum);
    if (failed(swept))
      return failure();
    at.setInsertionPoint(loop);
    SmallVector<Value> inits, sums, stacks;
    auto sum = [&](Value share) {
      inits.push_back(constant(at, share.getType(), 0.0));
      Value before = body.insertArgument(sums.size(), share.getType(), at.getLoc());
      sums.push_back(add(in, before, share));
    };
    auto average = [&](Value value) { sum(mul(in, value, constant(in, value.getType(), 1.0 / accum))); };
    average(pass.loss);
    for (auto [name, value] : pass.metrics)
      isScalar(value) ? average(value) : stacks.push_back(value);
    llvm::for_each(*swept, sum);
    YieldOp::create(in, sums, stacks);
    IRRewriter rewriter(at);
    LoopOp full = loop.rebuild(rewriter, inits, loop.getSlices());
    rewriter.eraseOp(loop);
    auto result = full.getCarryResults().begin(), stack = full.getStackResults().begin();
    pass.loss = *result++;
    for (auto &metric : pass.metrics)
      metric.second = isScalar(metric.second) ? *result++ : *stack++;
    llvm::append_range(grads, full.getCarryResults().take_back(swept->size()));
    return success();
  }

  /// Has the value of a whole batch a mean over micro-batches?
  static bool isScalar(Value value) {
    auto type = cast<RankedTensorType>(value.getType());
    return type.getRank() == 0 && isa<FloatType>(type.getElementType());
  }

  /// Logits after every loop step, and the exit probabilities there, at one position per sequence.
  LogicalResult buildPredict(ModelOp model) {
    TokensOp batch = *model.getForward().getOps<TokensOp>().begin();
    ObjectiveOp objective = *model.getForward().getOps<ObjectiveOp>().begin();
    ForwardEntry forward(model, "predict");
    forward.declare(1);
    EntryBuilder &entry = forward.entry;
    auto index = RankedTensorType::get({}, entry.builder.getI32Type());
    Value position = entry.argument(index, {"input", "position"});
    ForwardPass pass = forward.clone(entry.builder, forward.tokens, forward.targets, objective.getPhase());
    SmallVector<HeadOpInterface> heads;
    entry.func.walk([&](HeadOpInterface head) { heads.push_back(head); });
    if (heads.size() != 1)
      return model.emitOpError("has ") << heads.size() << " output heads; prediction needs exactly one";
    IRRewriter rewriter(entry.builder);
    rewriter.setInsertionPoint(heads[0]);
    SmallVector<Value> picked{heads[0].buildLogits(rewriter, position, batch.getSeq())};
    SmallVector<StringRef> names{"logits"};
    for (auto [name, value] : pass.metrics)
      if (name == "exit_probability") {
        picked.push_back(rowsAt(rewriter, value, position, batch));
        names.push_back(name);
      }
    for (auto [name, value] : llvm::zip(names, bringOut(rewriter, picked, entry.func)))
      entry.result(value, {"output", name});
    entry.finish();
    return success();
  }

  /// Of a value (N) per token, or of those that loops stack, the elements (batch) at `position`, where it is made.
  static Value rowsAt(OpBuilder &builder, Value perToken, Value position, TokensOp batch) {
    for (auto loop = perToken.getDefiningOp<LoopOp>(); loop; loop = perToken.getDefiningOp<LoopOp>()) {
      unsigned number = cast<OpResult>(perToken).getResultNumber();
      if (number < loop.getNumCarries())
        break;
      perToken = loop.getYield()->getOperand(number);
    }
    builder.setInsertionPointAfterValue(perToken);
    ImplicitLocOpBuilder b(perToken.getLoc(), builder);
    auto type = cast<RankedTensorType>(perToken.getType());
    return pointwise(b, withShape(type, {int64_t(batch.getBatch())}), {position}, {projection(b.getContext(), 1, {})},
                     [&](ImplicitLocOpBuilder &s, ValueRange v) {
                       Value at = arith::IndexCastOp::create(s, s.getIndexType(), v[0]);
                       Value length = arith::ConstantIndexOp::create(s, batch.getSeq());
                       Value first = arith::MulIOp::create(s, linalg::IndexOp::create(s, 0), length);
                       Value token = arith::AddIOp::create(s, first, at);
                       return Value(tensor::ExtractOp::create(s, perToken, token));
                     });
  }

  /// The values as loops around them stack them, at the end of `func`.
  static SmallVector<Value> bringOut(RewriterBase &rewriter, ValueRange values, func::FuncOp func) {
    rewriter.setInsertionPointToEnd(&func.getBody().front());
    // Stacking replaces loops; an op that reads what was brought out follows them.
    auto anchor = func::ReturnOp::create(rewriter, func.getLoc());
    for (Value value : values) {
      while (auto loop = dyn_cast<LoopOp>(value.getParentRegion()->getParentOp()))
        value = loop.appendStacks(rewriter, value).getResults().back();
      anchor.getOperandsMutable().append(value);
    }
    SmallVector<Value> results(anchor.getOperands());
    anchor.erase();
    return results;
  }

  void buildEval(ModelOp model) {
    ObjectiveOp objective = *model.getForward().getOps<ObjectiveOp>().begin();
    ForwardEntry forward(model, "eval");
    forward.declare(1);
    ForwardPass pass = forward.clone(forward.entry.builder, forward.tokens, forward.targets, objective.getPhase());
    forward.entry.result(pass.loss, {"output", "loss"});
    for (auto [name, value] : pass.metrics)
      forward.entry.result(value, {"output", name});
    forward.entry.finish();
  }
};
} // namespace
} // namespace mlir::nanochat
