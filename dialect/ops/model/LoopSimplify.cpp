// Simplification of loops: what differentiation and hoisting leave behind.
#include "dialect/Nanochat.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::nanochat;

namespace {
/// Drops stacks and carried values that nothing uses, slices the body does not read, and carried
/// values that never change. The gradient of a loop produces such leftovers.
struct DropUnused : OpRewritePattern<LoopOp> {
  using OpRewritePattern::OpRewritePattern;

  /// Does carried value `number` reach a used result, through any number of iterations? Gradients that are no longer
  /// wanted are carried through nests of loops. Followed forwards: what is live is soon found to be, and what is not
  /// goes away.
  static bool isLive(LoopOp loop, unsigned number) {
    DenseSet<Value> seen;
    SmallVector<Value> work;
    auto reach = [&](Value value) {
      if (seen.insert(value).second)
        work.push_back(value);
    };
    if (!loop.getResult(number).use_empty())
      return true;
    reach(loop.getCarryArgs()[number]);
    while (!work.empty())
      for (OpOperand &use : work.pop_back_val().getUses())
        if (isNeeded(use, loop, reach))
          return true;
    return false;
  }

  /// Whether a use in the body of `outer` is needed whatever its results are; else reaches what follows from it.
  static bool isNeeded(OpOperand &use, LoopOp outer, llvm::function_ref<void(Value)> reach) {
    Operation *op = use.getOwner();
    unsigned number = use.getOperandNumber();
    if (auto yield = dyn_cast<YieldOp>(op))
      if (auto loop = dyn_cast<LoopOp>(yield->getParentOp())) {
        if (loop == outer && !loop.getResult(number).use_empty())
          return true;
        if (loop != outer)
          reach(loop.getResult(number));
        if (number < loop.getNumCarries())
          reach(loop.getCarryArgs()[number]);
        return false;
      }
    auto nested = dyn_cast<LoopOp>(op);
    if (nested && number < nested.getBody().getNumArguments()) {
      reach(nested.getBody().getArgument(number));
      if (nested.getLimit()) // it may run not at all, and hand on what it was given
        reach(nested.getResult(number));
      return false;
    }
    while (!isa<LoopOp>(op->getParentOp())) // of the body of a compute op
      op = op->getParentOp();
    llvm::for_each(op->getResults(), reach);
    return !isMemoryEffectFree(op);
  }

  LogicalResult matchAndRewrite(LoopOp loop, PatternRewriter &rewriter) const override {
    unsigned carries = loop.getNumCarries();
    YieldOp yield = loop.getYield();
    SmallVector<Value> inits, slices, yields, stacks;
    SmallVector<int> resultMap(loop.getNumResults(), -1);
    BitVector drop(loop.getBody().getNumArguments());
    bool changed = false;
    for (unsigned i = 0; i < carries; ++i) {
      BlockArgument arg = loop.getCarryArgs()[i];
      bool invariant = yield.getValues()[i] == arg;
      if (!invariant && isLive(loop, i)) {
        resultMap[i] = inits.size();
        inits.push_back(loop.getInits()[i]);
        continue;
      }
      changed = true;
      drop.set(i);
      // A dead carry feeds only itself; what computes it dies with the yield.
      rewriter.replaceAllUsesWith(arg, loop.getInits()[i]);
    }
    // Only now: a carried value may yield the argument of another that was just replaced.
    for (unsigned i = 0; i < carries; ++i)
      if (!drop.test(i))
        yields.push_back(yield.getValues()[i]);
    for (auto [i, arg] : llvm::enumerate(loop.getSliceArgs())) {
      if (!arg.use_empty()) {
        slices.push_back(loop.getSlices()[i]);
        continue;
      }
      changed = true;
      drop.set(carries + i);
    }
    for (auto [i, result] : llvm::enumerate(loop.getStackResults())) {
      if (!result.use_empty()) {
        resultMap[carries + i] = inits.size() + stacks.size();
        stacks.push_back(yield.getStacks()[i]);
        continue;
      }
      changed = true;
    }
    if (!changed)
      return rewriter.notifyMatchFailure(loop, "everything is used");
    rewriter.modifyOpInPlace(yield, [&] {
      yield.getValuesMutable().assign(yields);
      yield.getStacksMutable().assign(stacks);
    });
    loop.getBody().front().eraseArguments(drop);
    LoopOp slim = loop.rebuild(rewriter, inits, slices);
    for (unsigned i = 0; i < loop.getNumResults(); ++i) {
      if (resultMap[i] >= 0)
        rewriter.replaceAllUsesWith(loop.getResult(i), slim.getResult(resultMap[i]));
      else if (i < carries)
        rewriter.replaceAllUsesWith(loop.getResult(i), loop.getInits()[i]);
    }
    rewriter.eraseOp(loop);
    return success();
  }
};

/// Slices of one stack, and stacks of one value, are needed once.
struct MergeDuplicates : OpRewritePattern<LoopOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(LoopOp loop, PatternRewriter &rewriter) const override {
    bool changed = false;
    auto merge = [&](ValueRange keys, auto values) {
      DenseMap<Value, Value> first;
      for (auto [key, value] : llvm::zip(keys, values)) {
        auto [it, isNew] = first.try_emplace(key, value);
        if (isNew || Value(value).use_empty())
          continue;
        rewriter.replaceAllUsesWith(value, it->second);
        changed = true;
      }
    };
    merge(loop.getSlices(), loop.getSliceArgs());
    merge(loop.getYield().getStacks(), loop.getStackResults());
    return success(changed);
  }
};

/// Stacking what was sliced gives back the stack: a loop whose gradient is the identity only copies.
struct ForwardSlices : OpRewritePattern<LoopOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(LoopOp loop, PatternRewriter &rewriter) const override {
    bool changed = false;
    for (auto [value, result] : llvm::zip(loop.getYield().getStacks(), loop.getStackResults())) {
      auto slices = loop.getSliceArgs();
      const auto *arg = llvm::find(slices, value);
      if (arg == slices.end() || result.use_empty())
        continue;
      Value stack = loop.getSlices()[arg - slices.begin()];
      if (stack.getType() != result.getType()) // of which it sees a part
        continue;
      rewriter.replaceAllUsesWith(result, stack);
      changed = true;
    }
    return success(changed);
  }
};

/// Elements of a stack of one invariant value are that value.
struct ForwardInvariants : OpRewritePattern<LoopOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(LoopOp loop, PatternRewriter &rewriter) const override {
    bool changed = false;
    for (auto [stack, arg] : llvm::zip(loop.getSlices(), loop.getSliceArgs())) {
      Value element = LoopOp::getStackedElement(stack);
      if (!element || arg.use_empty() || stack.getDefiningOp()->isAncestor(element.getParentRegion()->getParentOp()))
        continue;
      rewriter.replaceAllUsesWith(arg, element);
      changed = true;
    }
    return success(changed);
  }
};
} // namespace

void LoopOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<DropUnused, MergeDuplicates, ForwardSlices, ForwardInvariants>(context);
}
