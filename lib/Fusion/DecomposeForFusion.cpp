#include "dialect/Nanochat.h"
#include "lib/Fusion/Passes.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_DECOMPOSEFORFUSIONPASS
#include "lib/Fusion/Passes.h.inc"

namespace {
struct Decompose : OpInterfaceRewritePattern<linalg::AggregatedOpInterface> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;
  LogicalResult matchAndRewrite(linalg::AggregatedOpInterface op, PatternRewriter &rewriter) const override {
    if (isa<LoopOp, KernelOpInterface>(op.getOperation()) || !isa<NanochatDialect>(op->getDialect()))
      return rewriter.notifyMatchFailure(op, "kept whole");
    auto values = op.decomposeOperation(rewriter);
    if (failed(values))
      return rewriter.notifyMatchFailure(op, "has no decomposition");
    rewriter.replaceOp(op, *values);
    return success();
  }
};

/// A splat read by a linalg.generic is a constant of its body, not a buffer.
struct InlineSplat : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::GenericOp op, PatternRewriter &rewriter) const override {
    for (OpOperand *input : op.getDpsInputOperands()) {
      DenseElementsAttr attr;
      if (!matchPattern(input->get(), m_Constant(&attr)) || !attr.isSplat())
        continue;
      unsigned number = input->getOperandNumber();
      rewriter.modifyOpInPlace(op, [&] {
        OpBuilder::InsertionGuard guard(rewriter);
        rewriter.setInsertionPointToStart(op.getBody());
        Value scalar = arith::ConstantOp::create(rewriter, op.getLoc(), attr.getSplatValue<TypedAttr>());
        rewriter.replaceAllUsesWith(op.getBody()->getArgument(number), scalar);
        op.getBody()->eraseArgument(number);
        SmallVector<Attribute> maps(op.getIndexingMaps().getValue());
        maps.erase(maps.begin() + number);
        op.setIndexingMapsAttr(rewriter.getArrayAttr(maps));
        op.getInputsMutable().erase(number);
      });
      return success();
    }
    return rewriter.notifyMatchFailure(op, "reads no splat");
  }
};

/// A pointwise op writes a fresh tensor: what it starts from is not read.
struct FreshOutput : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::GenericOp op, PatternRewriter &rewriter) const override {
    OpOperand &out = *op.getDpsInitOperand(0);
    if (op.getNumReductionLoops() || op.getNumDpsInits() != 1 || out.get().getDefiningOp<tensor::EmptyOp>() ||
        !op.getMatchingBlockArgument(&out).use_empty())
      return rewriter.notifyMatchFailure(op, "its output is read or fresh already");
    auto type = cast<RankedTensorType>(out.get().getType());
    Value empty = tensor::EmptyOp::create(rewriter, op.getLoc(), type.getShape(), type.getElementType());
    rewriter.modifyOpInPlace(op, [&] { out.set(empty); });
    return success();
  }
};

struct DecomposeForFusionPass : impl::DecomposeForFusionPassBase<DecomposeForFusionPass> {
  void runOnOperation() override {
    // What ops are made of keeps their names, for messages of the compiled program.
    getOperation().walk([](Operation *op) {
      if (op->getNumResults() && !isa<NameLoc>(op->getLoc()))
        op->setLoc(NameLoc::get(StringAttr::get(op->getContext(), op->getName().getStringRef()), op->getLoc()));
    });
    RewritePatternSet decompose(&getContext()), splats(&getContext());
    decompose.add<Decompose>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(decompose))))
      return signalPassFailure();
    OpPassManager toLinalg("func.func");
    toLinalg.addPass(createConvertElementwiseToLinalgPass());
    if (failed(runPipeline(toLinalg, getOperation())))
      return signalPassFailure();
    splats.add<InlineSplat, FreshOutput>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(splats))))
      signalPassFailure();
  }
};
} // namespace
} // namespace mlir::nanochat
