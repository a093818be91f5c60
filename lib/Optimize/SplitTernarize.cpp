#include "dialect/StepIR.h"
#include "lib/Optimize/Passes.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_SPLITTERNARIZEPASS
#include "lib/Optimize/Passes.h.inc"

namespace {
struct SplitTernarizePass : impl::SplitTernarizePassBase<SplitTernarizePass> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    for (func::FuncOp entry : getEntries(getOperation()))
      entry.walk([&](TernarizeOp op) {
        rewriter.setInsertionPoint(op);
        Value gamma = TernaryScaleOp::create(rewriter, op.getLoc(), op.getScaled(), op.getGroupAttr());
        Value codes = TernarizeByOp::create(rewriter, op.getLoc(), op.getW(), gamma);
        rewriter.replaceOp(op, {codes, gamma});
      });
  }
};
} // namespace
} // namespace mlir::nanochat
