// Forward values that a gradient of kept tokens recomputes, for these tokens alone.
#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"
#include "lib/Autodiff/Passes.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_SINKGATHERSPASS
#include "lib/Autodiff/Passes.h.inc"

namespace {
struct SinkGather : OpRewritePattern<GatherRowsOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(GatherRowsOp gather, PatternRewriter &rewriter) const override {
    auto result = dyn_cast<OpResult>(gather.getX());
    Operation *op = result ? result.getOwner() : nullptr;
    if (!op || isa<GatherRowsOp>(op) || op->getBlock() != gather->getBlock() || !isPure(op))
      return rewriter.notifyMatchFailure(gather, "is of no value computed here");
    SmallVector<GatherRowsOp> gathers;
    for (Operation *user : op->getUsers()) {
      auto other = dyn_cast<GatherRowsOp>(user);
      if (!other || other.getRows() != gather.getRows() || user->getBlock() != op->getBlock())
        return rewriter.notifyMatchFailure(gather, "other rows are needed as well");
      gathers.push_back(other);
    }
    Operation *first = *llvm::min_element(gathers, [](Operation *x, Operation *y) { return x->isBeforeInBlock(y); });
    rewriter.setInsertionPoint(first);
    ImplicitLocOpBuilder b(op->getLoc(), rewriter);
    Operation *onRows = buildOnRows(b, result, gather.getRows());
    if (!onRows)
      return rewriter.notifyMatchFailure(gather, "its rows do not follow from rows");
    for (GatherRowsOp other : gathers)
      rewriter.replaceOp(other, onRows->getResult(cast<OpResult>(other.getX()).getResultNumber()));
    rewriter.eraseOp(op);
    return success();
  }
};

struct SinkGathersPass : impl::SinkGathersPassBase<SinkGathersPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<SinkGather>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
} // namespace mlir::nanochat
