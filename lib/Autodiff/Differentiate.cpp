// From a model to its gradients entries. The sweep itself is in dialect/interfaces/Vjp.cpp.
#include "dialect/Linalg.h"
#include "dialect/StepIR.h"
#include "lib/Autodiff/Passes.h"
#include "lib/Entries/ForwardEntry.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_DIFFERENTIATEPASS
#include "lib/Autodiff/Passes.h.inc"

namespace {
struct DifferentiatePass : impl::DifferentiatePassBase<DifferentiatePass> {
  void runOnOperation() override {
    for (auto model : llvm::to_vector(getOperation().getOps<ModelOp>()))
      for (auto objective : model.getForward().getOps<ObjectiveOp>())
        if (failed(buildGradients(model, objective)))
          return signalPassFailure();
  }

  /// The tokens that the objective's filter keeps, chosen at `b`; none where it keeps all.
  static std::optional<KeptRows> selectRows(OpBuilder &b, const ForwardPass &pass, ObjectiveOp objective) {
    auto model = objective->getParentOfType<ModelOp>();
    TokensOp batch = *model.getForward().getOps<TokensOp>().begin();
    int64_t seq = batch.getSeq(), keep = objective.getKept(seq);
    if (keep == seq && objective.getScore() && objective.getKeep()->convertToDouble() < 1)
      objective.emitWarning("keeps all ") << seq << " tokens of a sequence: their number is a multiple of "
                                          << objective.getMultiple().value_or(16) << "; set `multiple`";
    if (keep == seq)
      return std::nullopt;
    std::optional<KeptRows> kept(SelectRowsOp::create(b, objective.getLoc(), pass.score, seq, keep));
    kept->follow(*b.getInsertionBlock(), pass.perToken);
    return kept;
  }

  /// Gradients of one batch at `b`, per parameter that the phase trains.
  FailureOr<SmallVector<Value>> sweep(OpBuilder &b, ForwardPass &pass, ObjectiveOp objective) {
    std::optional<KeptRows> kept = selectRows(b, pass, objective);
    Cotangents ct(kept ? &*kept : nullptr);
    SmallVector<Trained> trained;
    for (auto [op, arg] : pass.params)
      if (trains(objective, cast<ParamOp>(op))) {
        ct.markActive(arg);
        trained.push_back({op, arg});
      }
    Block *block = b.getInsertionBlock();
    ct.propagate(*block);
    ImplicitLocOpBuilder at(objective.getLoc(), b);
    ct.add(b, pass.loss, constant(at, pass.loss.getType(), 1.0));
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
    if (kept && kept->getRows().use_empty())
      return objective.emitOpError("filters tokens, and none has a part in its loss: leave out `filter`");
    return gradientsOf(b, trained, ct);
  }

  /// A parameter and the argument that it is.
  using Trained = std::pair<Operation *, Value>;

  /// What the sweep left for each parameter.
  static FailureOr<SmallVector<Value>> gradientsOf(OpBuilder &b, ArrayRef<Trained> trained, const Cotangents &ct) {
    SmallVector<Value> grads;
    for (auto [op, arg] : trained) {
      grads.push_back(ct.ofOrZero(b, arg));
      if (typeOf(grads.back()).getShape() != typeOf(arg).getShape())
        return op->emitOpError(
            "has a row for each token of the batch, and the objective's filter drops tokens: leave out "
            "`filter`; positions are `nanochat.position_embedding`");
    }
    return grads;
  }

  static bool trains(ObjectiveOp objective, ParamOp param) {
    return !objective.getTrains() || llvm::is_contained(*objective.getTrains(), param.getRoleAttr());
  }

  LogicalResult buildGradients(ModelOp model, ObjectiveOp objective) {
    TokensOp batch = *model.getForward().getOps<TokensOp>().begin();
    int64_t accum = batch.getAccum();
    ForwardEntry forward(model, EntryKind::gradients, objective.getPhase());
    forward.declare(accum, objective);
    EntryBuilder &entry = forward.entry;
    SmallVector<Value> grads;
    ForwardPass pass;
    if (accum == 1) {
      pass = forward.clone(entry.builder, forward.batch, objective.getPhase());
      auto swept = sweep(entry.builder, pass, objective);
      if (failed(swept))
        return failure();
      grads = *swept;
    } else if (failed(accumulate(forward, objective, accum, pass, grads))) {
      return failure();
    }
    entry.result(pass.loss, BindingKind::output, "loss");
    for (auto [name, value] : pass.metrics)
      entry.result(value, BindingKind::output, name);
    entry.result(GradNormOp::create(entry.builder, model.getLoc(), grads), BindingKind::output, "grad_norm");
    auto grad = grads.begin();
    for (auto [op, arg] : pass.params)
      if (auto param = cast<ParamOp>(op); trains(objective, param))
        entry.result(*grad++, BindingKind::gradient, param.getParamName(), param.getRole());
    entry.finish();
    return success();
  }

  /// Micro-batches are a loop that sums gradients, averages the loss and scalar metrics, and stacks the others. Sums of
  /// gradients are divided at the end, so that what a micro-batch forms is added where it is formed.
  LogicalResult accumulate(ForwardEntry &forward, ObjectiveOp objective, int64_t accum, ForwardPass &pass,
                           SmallVectorImpl<Value> &grads) {
    ImplicitLocOpBuilder at(objective.getLoc(), forward.entry.builder);
    auto loop = LoopOp::create(at, "accum", accum, ValueRange(), forward.batch, false,
                               [](ImplicitLocOpBuilder &in, auto, auto) { YieldOp::create(in); });
    loop->setAttr(kMicroBatchesAttr, at.getUnitAttr());
    // What is summed is known after the sweep, which needs the body in its place and open at the end.
    Block &body = loop.getBody().front();
    body.getTerminator()->erase();
    ImplicitLocOpBuilder in = ImplicitLocOpBuilder::atBlockEnd(at.getLoc(), &body);
    pass = forward.clone(in, body.getArguments(), objective.getPhase());
    auto swept = sweep(in, pass, objective);
    if (failed(swept))
      return failure();
    at.setInsertionPoint(loop);
    SmallVector<Value> inits, sums, stacks;
    SmallVector<Terms> terms = llvm::map_to_vector(*swept, [](Value gradient) { return termsOf(gradient); });
    auto sum = [&](Value share) {
      inits.push_back(constant(at, share.getType(), 0.0));
      Value before = body.insertArgument(sums.size(), share.getType(), at.getLoc());
      sums.push_back(add(in, before, share));
    };
    auto average = [&](Value value) { sum(mul(in, value, constant(in, value.getType(), 1.0 / accum))); };
    average(pass.loss);
    for (auto [name, value] : pass.metrics)
      isScalar(value) ? average(value) : stacks.push_back(value);
    for (Terms gradient : terms) {
      if (gradient.joined)
        sum(gradient.joined.getPart());
      if (gradient.whole)
        sum(gradient.whole);
    }
    YieldOp::create(in, sums, stacks);
    IRRewriter rewriter(at);
    LoopOp full = loop.rebuild(rewriter, inits, loop.getSlices());
    rewriter.eraseOp(loop);
    auto result = full.getCarryResults().begin(), stack = full.getStackResults().begin();
    pass.loss = *result++;
    for (auto &metric : pass.metrics)
      metric.second = isScalar(metric.second) ? *result++ : *stack++;
    at.setInsertionPointAfter(full);
    Value share = constant(at, RankedTensorType::get({}, getElementTypeOrSelf(pass.loss)), 1.0 / accum);
    auto mean = [&] { return ScaleOp::create(at, *result++, share).getY(); };
    for (Terms gradient : terms) {
      Value sum;
      if (JoinPartsOp join = gradient.joined)
        sum = JoinPartsOp::create(at, join.getX().getType(), mean(), join.getDim(), join.getAmong());
      if (gradient.whole)
        sum = sum ? add(at, sum, mean()) : mean();
      grads.push_back(sum);
    }
    return success();
  }

  /// A gradient of which ranks have parts, joined only once all micro-batches are summed up, and what each has of it
  /// as a whole; one of both may be null.
  struct Terms {
    JoinPartsOp joined;
    Value whole;
  };
  static Terms termsOf(Value gradient) {
    if (auto join = gradient.getDefiningOp<JoinPartsOp>())
      return {join, Value()};
    if (auto add = gradient.getDefiningOp<arith::AddFOp>())
      for (auto [one, other] : {std::pair(add.getLhs(), add.getRhs()), std::pair(add.getRhs(), add.getLhs())})
        if (auto join = one.getDefiningOp<JoinPartsOp>())
          return {join, other};
    return {JoinPartsOp(), gradient};
  }

  /// Has the value of a whole batch a mean over micro-batches?
  static bool isScalar(Value value) {
    auto type = typeOf(value);
    return type.getRank() == 0 && isa<FloatType>(type.getElementType());
  }
};
} // namespace
} // namespace mlir::nanochat
