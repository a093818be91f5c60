// From a model to the entries that need no gradient: eval and predict.
#include "dialect/Linalg.h"
#include "lib/Entries/ForwardEntry.h"
#include "lib/Entries/Passes.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_BUILDFORWARDENTRIESPASS
#include "lib/Entries/Passes.h.inc"

namespace {
struct BuildForwardEntriesPass : impl::BuildForwardEntriesPassBase<BuildForwardEntriesPass> {
  void runOnOperation() override {
    for (auto model : llvm::to_vector(getOperation().getOps<ModelOp>())) {
      buildEval(model);
      if (failed(buildPredict(model)))
        return signalPassFailure();
    }
  }

  void buildEval(ModelOp model) {
    ObjectiveOp objective = *model.getForward().getOps<ObjectiveOp>().begin();
    ForwardEntry forward(model, EntryKind::eval);
    forward.declare(1);
    ForwardPass pass = forward.clone(forward.entry.builder, forward.batch, objective.getPhase());
    forward.entry.result(pass.loss, BindingKind::output, "loss");
    for (auto [name, value] : pass.metrics)
      forward.entry.result(value, BindingKind::output, name);
    forward.entry.finish();
  }

  /// Logits after every loop step, and the exit probabilities there, at one position per sequence.
  LogicalResult buildPredict(ModelOp model) {
    TokensOp batch = *model.getForward().getOps<TokensOp>().begin();
    ObjectiveOp objective = *model.getForward().getOps<ObjectiveOp>().begin();
    ForwardEntry forward(model, EntryKind::predict);
    forward.declare(1);
    EntryBuilder &entry = forward.entry;
    auto index = RankedTensorType::get({}, entry.builder.getI32Type());
    Value position = entry.argument(index, BindingKind::input, "position");
    ForwardPass pass = forward.clone(entry.builder, forward.batch, objective.getPhase());
    SmallVector<HeadOpInterface> heads;
    entry.func.walk([&](HeadOpInterface head) {
      if (!head.isAuxiliary())
        heads.push_back(head);
    });
    if (heads.size() != 1)
      return model.emitOpError("has ") << heads.size() << " output heads that are not auxiliary; prediction needs one";
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
      entry.result(value, BindingKind::output, name);
    entry.finish();
    return success();
  }

  /// Of a value (N) per token, or of those that loops stack, the elements (batch) at `position`, where it is made.
  static Value rowsAt(OpBuilder &builder, Value perToken, Value position, TokensOp batch) {
    while (Value element = LoopOp::getStackedElement(perToken))
      perToken = element;
    builder.setInsertionPointAfterValue(perToken);
    ImplicitLocOpBuilder b(perToken.getLoc(), builder);
    auto type = typeOf(perToken);
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
};
} // namespace
} // namespace mlir::nanochat
