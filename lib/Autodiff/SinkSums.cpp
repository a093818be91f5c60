// Sums over the iterations of loops, gathered where their terms are formed.
#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"
#include "lib/Autodiff/Passes.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_SINKSUMSPASS
#include "lib/Autodiff/Passes.h.inc"

namespace {
bool isZero(Value value) { return matchPattern(value, m_AnyZeroFloat()); }

/// The other term of `sum` = `term` + other; null if `sum` is no such sum.
Value otherTerm(Value sum, Value term) {
  auto add = sum.getDefiningOp<arith::AddFOp>();
  if (!add || (add.getLhs() == term) == (add.getRhs() == term))
    return Value();
  return add.getLhs() == term ? add.getRhs() : add.getLhs();
}

/// Does carried value k only gather terms, here or in loops of the body, starting from its initial value?
bool gathers(LoopOp loop, unsigned k) {
  BlockArgument arg = loop.getCarryArgs()[k];
  Value next = loop.getYield().getValues()[k];
  if (!arg.hasOneUse())
    return false;
  if (otherTerm(next, arg))
    return true;
  auto result = dyn_cast<OpResult>(next);
  auto inner = result ? dyn_cast<LoopOp>(result.getOwner()) : LoopOp();
  return inner && result.getResultNumber() < inner.getNumCarries() &&
         inner.getInits()[result.getResultNumber()] == arg && gathers(inner, result.getResultNumber());
}

/// The loop before `add` whose carried value `result` gathers from zero, and could from x; null if there is none.
LoopOp gathersFor(arith::AddFOp add, OpResult result, Value x) {
  auto loop = result ? dyn_cast<LoopOp>(result.getOwner()) : LoopOp();
  if (!loop || !x || !result.hasOneUse() || loop->getBlock() != add->getBlock())
    return LoopOp();
  if (Operation *def = x.getDefiningOp(); def && def->getBlock() == loop->getBlock() && !def->isBeforeInBlock(loop))
    return LoopOp();
  return loop;
}

bool gathersFromZero(LoopOp loop, unsigned number) {
  return number < loop.getNumCarries() && isZero(loop.getInits()[number]) && gathers(loop, number);
}

/// x + (s + y), where a loop gathers s from zero and y is made after it: (x + s) + y, of which it gathers x + s.
struct AddToGathered : OpRewritePattern<arith::AddFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::AddFOp add, PatternRewriter &rewriter) const override {
    for (Value sum : {add.getLhs(), add.getRhs()}) {
      auto inner = sum.getDefiningOp<arith::AddFOp>();
      Value x = otherTerm(add, sum);
      if (!inner || !inner->hasOneUse() || inner->getBlock() != add->getBlock())
        continue;
      for (Value gathered : {inner.getLhs(), inner.getRhs()}) {
        auto result = dyn_cast<OpResult>(gathered);
        LoopOp loop = gathersFor(inner, result, x);
        Value y = otherTerm(inner, gathered);
        if (!loop || !y || gathersFor(inner, result, y) || !gathersFromZero(loop, result.getResultNumber()))
          continue;
        rewriter.setInsertionPoint(add);
        Value both = arith::AddFOp::create(rewriter, add.getLoc(), x, gathered);
        rewriter.replaceOpWithNewOp<arith::AddFOp>(add, both, y);
        rewriter.eraseOp(inner);
        return success();
      }
    }
    return failure();
  }
};

/// x + (sum that a loop gathers from zero): gathered from x. x + (stack of a loop): x is sliced and added there.
struct SinkIntoLoop : OpRewritePattern<arith::AddFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::AddFOp add, PatternRewriter &rewriter) const override {
    for (Value sum : {add.getLhs(), add.getRhs()})
      if (auto result = dyn_cast<OpResult>(sum); result && succeeded(sink(add, result, rewriter)))
        return success();
    return failure();
  }

  static LogicalResult sink(arith::AddFOp add, OpResult result, PatternRewriter &rewriter) {
    Value x = otherTerm(add, result);
    LoopOp loop = gathersFor(add, result, x);
    if (!loop)
      return failure();
    unsigned number = result.getResultNumber(), carries = loop.getNumCarries();
    if (number < carries) {
      if (!gathersFromZero(loop, number))
        return failure();
      rewriter.modifyOpInPlace(loop, [&] { loop.getInitsMutable()[number].set(x); });
      rewriter.replaceOp(add, result);
      return success();
    }
    // Appended last among the slices, so that all numbers stay.
    SmallVector<Value> slices(loop.getSlices());
    slices.push_back(x);
    BlockArgument term = loop.getBody().addArgument(LoopOp::sliceOf(x.getType()), x.getLoc());
    YieldOp yield = loop.getYield();
    rewriter.setInsertionPoint(yield);
    OpOperand &stack = yield->getOpOperand(number);
    auto next = arith::AddFOp::create(rewriter, add.getLoc(), term, stack.get());
    rewriter.modifyOpInPlace(yield, [&] { stack.set(next); });
    LoopOp sunk = loop.rebuild(rewriter, loop.getInits(), slices);
    rewriter.replaceOp(add, sunk.getResult(number));
    rewriter.replaceOp(loop, sunk.getResults());
    return success();
  }
};

/// A loop that adds up slices of a stack: the loop that makes the stack adds up its elements instead.
struct SumWhereStacked : OpRewritePattern<LoopOp> {
  using OpRewritePattern::OpRewritePattern;

  /// What carried value k adds in each iteration, if all it does is adding.
  static Value termOf(LoopOp loop, unsigned k) {
    BlockArgument arg = loop.getCarryArgs()[k];
    return arg.hasOneUse() ? otherTerm(loop.getYield().getValues()[k], arg) : Value();
  }

  LogicalResult matchAndRewrite(LoopOp loop, PatternRewriter &rewriter) const override {
    for (unsigned k = 0; k < loop.getNumCarries(); ++k) {
      Value term = termOf(loop, k);
      auto scale = term ? term.getDefiningOp<ScaleOp>() : ScaleOp();
      if (scale && loop->isAncestor(scale.getS().getParentRegion()->getParentOp()))
        continue;
      Value slice = scale ? scale.getX() : term, stack = slice ? loop.getSlicedStack(slice) : Value();
      if (!stack || !LoopOp::getStackedElement(stack) || !stack.hasOneUse() || !slice.hasOneUse() ||
          stack.getDefiningOp()->getBlock() != loop->getBlock())
        continue;
      Value sum = gatherIn(stack.getDefiningOp<LoopOp>(), cast<OpResult>(stack).getResultNumber(), rewriter);
      rewriter.setInsertionPoint(loop);
      if (scale)
        sum = ScaleOp::create(rewriter, loop.getLoc(), sum, scale.getS());
      if (!isZero(loop.getInits()[k]))
        sum = arith::AddFOp::create(rewriter, loop.getLoc(), loop.getInits()[k], sum);
      rewriter.replaceAllUsesWith(loop.getResult(k), sum);
      rewriter.modifyOpInPlace(loop.getYield(),
                               [&] { loop.getYield().getValuesMutable()[k].set(loop.getCarryArgs()[k]); });
      return success();
    }
    return failure();
  }

  /// Rebuilds `loop` with one more carried value, the sum from zero of what result `number` stacks.
  static Value gatherIn(LoopOp loop, unsigned number, PatternRewriter &rewriter) {
    unsigned carries = loop.getNumCarries();
    YieldOp yield = loop.getYield();
    Value element = yield->getOperand(number);
    rewriter.setInsertionPoint(loop);
    ImplicitLocOpBuilder b(loop.getLoc(), rewriter);
    SmallVector<Value> inits(loop.getInits());
    inits.push_back(constant(b, element.getType(), 0.0));
    BlockArgument sum = loop.getBody().insertArgument(carries, element.getType(), loop.getLoc());
    rewriter.setInsertionPoint(yield);
    Value next = arith::AddFOp::create(rewriter, loop.getLoc(), sum, element);
    rewriter.modifyOpInPlace(yield, [&] { yield.getValuesMutable().append(next); });
    LoopOp longer = loop.rebuild(rewriter, inits, loop.getSlices());
    SmallVector<Value> results(longer.getResults());
    results.erase(results.begin() + carries);
    rewriter.replaceOp(loop, results);
    return longer.getResult(carries);
  }
};

struct SinkSumsPass : impl::SinkSumsPassBase<SinkSumsPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<AddToGathered, SinkIntoLoop, SumWhereStacked>(&getContext());
    LoopOp::getCanonicalizationPatterns(patterns, &getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
} // namespace mlir::nanochat
