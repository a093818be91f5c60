#include "dialect/Linalg.h"
#include "dialect/StepIR.h"
#include "lib/Autodiff/Passes.h"
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
  Decompose(MLIRContext *context, bool forGpus) : OpInterfaceRewritePattern(context), forGpus(forGpus) {}
  bool forGpus;
  LogicalResult matchAndRewrite(linalg::AggregatedOpInterface op, PatternRewriter &rewriter) const override {
    auto kernel = dyn_cast<KernelOpInterface>(op.getOperation());
    bool isKept = isa<LoopOp>(op.getOperation()) || (kernel && (!forGpus || kernel.isForGpus()));
    if (isKept || !isa<NanochatDialect>(op->getDialect()))
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
    auto type = typeOf(out.get());
    Value empty = tensor::EmptyOp::create(rewriter, op.getLoc(), type.getShape(), type.getElementType());
    rewriter.modifyOpInPlace(op, [&] { out.set(empty); });
    return success();
  }
};

/// A slice amid one number, as the gradient of a slice is: every element says which it is, so that any number of tasks
/// make them.
struct SliceAmidSplat : OpRewritePattern<tensor::InsertSliceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::InsertSliceOp op, PatternRewriter &rewriter) const override {
    SplatElementsAttr splat;
    bool isStatic = !ShapedType::isDynamicShape(op.getStaticOffsets()) && op.hasUnitStride() &&
                    op.getSourceType().hasStaticShape() && op.getSourceType().getRank() == op.getDestType().getRank();
    if (!isStatic || !matchPattern(op.getDest(), m_Constant(&splat)))
      return rewriter.notifyMatchFailure(op, "is no slice of known place amid one number");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    rewriter.replaceOp(
        op, pointwise(b, op.getDestType(), {}, {}, [&](ImplicitLocOpBuilder &s, ValueRange) -> Value {
          Value otherwise = arith::ConstantOp::create(s, splat.getSplatValue<TypedAttr>()),
                zero = arith::ConstantIndexOp::create(s, 0), isWithin;
          SmallVector<Value> at;
          for (auto [d, offset, size] : llvm::enumerate(op.getStaticOffsets(), op.getSourceType().getShape())) {
            at.push_back(linalg::IndexOp::create(s, d));
            if (size == op.getDestType().getDimSize(d))
              continue;
            at[d] = arith::SubIOp::create(s, at[d], arith::ConstantIndexOp::create(s, offset));
            Value within =
                arith::CmpIOp::create(s, arith::CmpIPredicate::ult, at[d], arith::ConstantIndexOp::create(s, size));
            at[d] = arith::SelectOp::create(s, within, at[d], zero);
            isWithin = isWithin ? arith::AndIOp::create(s, isWithin, within) : within;
          }
          Value element = tensor::ExtractOp::create(s, op.getSource(), at);
          return isWithin ? arith::SelectOp::create(s, isWithin, element, otherwise) : element;
        }));
    return success();
  }
};

/// A view of what is computed element by element from arguments: computed on views of them instead, so that no view
/// stands between two dispatches that could be one.
struct ViewBeforePointwise : RewritePattern {
  ViewBeforePointwise(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), 1, context) {}
  LogicalResult matchAndRewrite(Operation *view, PatternRewriter &rewriter) const override {
    auto op = isView(view) ? view->getOperand(0).getDefiningOp<linalg::GenericOp>() : linalg::GenericOp();
    if (!op || op.getNumReductionLoops() || op->getNumResults() != 1 || !op->hasOneUse() || op.hasIndexSemantics() ||
        llvm::any_of(op.getIndexingMapsArray(), [](AffineMap map) { return !map.isIdentity() && map.getNumResults(); }))
      return failure();
    if (llvm::any_of(op.getInputs(), [](Value v) { return typeOf(v).getRank() && !isa<BlockArgument>(stripViews(v)); }))
      return failure();
    auto type = typeOf(view->getResult(0));
    AffineMap full = rewriter.getMultiDimIdentityMap(type.getRank());
    SmallVector<Value> inputs;
    SmallVector<AffineMap> maps;
    for (Value input : op.getInputs()) {
      auto from = typeOf(input);
      maps.push_back(from.getRank() ? full : AffineMap::get(type.getRank(), 0, rewriter.getContext()));
      if (from.getRank()) {
        IRMapping map;
        map.map(view->getOperand(0), input);
        Operation *moved = rewriter.clone(*view, map);
        moved->getResult(0).setType(RankedTensorType::get(type.getShape(), from.getElementType()));
        input = moved->getResult(0);
      }
      inputs.push_back(input);
    }
    maps.push_back(full);
    Value empty = tensor::EmptyOp::create(rewriter, op.getLoc(), type.getShape(), type.getElementType());
    SmallVector<utils::IteratorType> parallel(type.getRank(), utils::IteratorType::parallel);
    auto moved =
        linalg::GenericOp::create(rewriter, op.getLoc(), TypeRange{type}, inputs, ValueRange{empty}, maps, parallel);
    rewriter.inlineRegionBefore(op.getRegion(), moved.getRegion(), moved.getRegion().end());
    rewriter.replaceOp(view, moved.getResults());
    return success();
  }
};

struct DecomposeForFusionPass : impl::DecomposeForFusionPassBase<DecomposeForFusionPass> {
  using DecomposeForFusionPassBase::DecomposeForFusionPassBase;

  void runOnOperation() override {
    // What ops are made of keeps their names, for messages of the compiled program.
    getOperation().walk([](Operation *op) {
      if (op->getNumResults() && !isa<NameLoc>(op->getLoc()))
        op->setLoc(NameLoc::get(StringAttr::get(op->getContext(), op->getName().getStringRef()), op->getLoc()));
    });
    RewritePatternSet decompose(&getContext()), splats(&getContext());
    decompose.add<Decompose>(&getContext(), forGpus);
    if (failed(applyPatternsGreedily(getOperation(), std::move(decompose))))
      return signalPassFailure();
    OpPassManager toLinalg("func.func");
    toLinalg.addPass(createSinkSumsPass()); // of what ops were made of, while sums are ops
    toLinalg.addPass(createConvertElementwiseToLinalgPass());
    if (failed(runPipeline(toLinalg, getOperation())))
      return signalPassFailure();
    splats.add<InlineSplat, FreshOutput, SliceAmidSplat, ViewBeforePointwise>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(splats))))
      signalPassFailure();
  }
};
} // namespace
} // namespace mlir::nanochat
