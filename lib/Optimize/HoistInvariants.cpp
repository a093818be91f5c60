#include "dialect/StepIR.h"
#include "lib/Optimize/Passes.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_HOISTINVARIANTSPASS
#include "lib/Optimize/Passes.h.inc"

namespace {
bool isOutside(LoopOp loop, Value value) { return !loop.getBody().isAncestor(value.getParentRegion()); }

bool isConstant(Value value) { return matchPattern(value, m_Constant()); }

/// Moves those of `values` that are constants of the body of `loop` in front of it.
void bringConstants(const llvm::SetVector<Value> &values, LoopOp loop) {
  for (Value value : values)
    if (!isOutside(loop, value))
      value.getDefiningOp()->moveBefore(loop);
}

/// Rewrite 1: moves what does not depend on the iteration in front of `loop`.
bool moveOut(LoopOp loop) {
  bool changed = false;
  for (Operation &op : llvm::make_early_inc_range(loop.getBody().front().without_terminator())) {
    if (!isPure(&op) || op.hasTrait<OpTrait::ConstantLike>())
      continue;
    llvm::SetVector<Value> values = readBy(&op);
    if (!llvm::all_of(values, [&](Value v) { return isOutside(loop, v) || isConstant(v); }))
      continue;
    bringConstants(values, loop);
    op.moveBefore(loop);
    changed = true;
  }
  return changed;
}

/// The outermost enclosing loop whose iterations all repeat `op`, of the body of `loop`, with the
/// same operands; null if there is none.
LoopOp repeatedBy(LoopOp loop, Operation *op) {
  LoopOp found;
  llvm::SetVector<Value> values = readBy(op);
  for (auto outer = loop->getParentOfType<LoopOp>(); outer; outer = outer->getParentOfType<LoopOp>()) {
    bool same = llvm::all_of(values, [&](Value v) {
      Value stack = loop.getSlicedStack(v);
      return isConstant(v) || isOutside(outer, stack ? stack : v);
    });
    if (!same)
      break;
    found = outer;
  }
  return found;
}

/// Does `op`, of the body of `loop`, nothing but what `other`, of another body, does to the same slices?
bool isSameWork(LoopOp loop, Operation *op, LoopOp otherLoop, Operation *other) {
  auto source = [](LoopOp of, Value value) {
    Value stack = of.getSlicedStack(value);
    return stack ? stack : value;
  };
  return op->getName() == other->getName() && op->getAttrDictionary() == other->getAttrDictionary() &&
         llvm::all_of(llvm::zip(op->getOperands(), other->getOperands()), [&](auto pair) {
           return source(loop, std::get<0>(pair)) == source(otherLoop, std::get<1>(pair));
         });
}

/// Does another loop do the work of `op` as well, as the gradient does that of the forward pass?
bool isDoneElsewhere(LoopOp loop, Operation *op) {
  if (llvm::hasNItems(loop.getBody().front(), 2))
    return false; // there is nothing else to be separated from
  for (Value value : op->getOperands())
    if (Value stack = loop.getSlicedStack(value))
      for (Operation *user : stack.getUsers())
        if (auto other = dyn_cast<LoopOp>(user); other && other != loop)
          if (llvm::any_of(other.getBody().front(), [&](Operation &o) { return isSameWork(loop, op, other, &o); }))
            return true;
  return false;
}

/// Builds, in front of `outer`, the loop that does the work of `op` for every slice.
LoopOp splitOff(RewriterBase &rewriter, LoopOp loop, Operation *op, LoopOp outer) {
  IRMapping map;
  SmallVector<Value> sliced, stacks;
  for (Value value : readBy(op))
    if (Value stack = loop.getSlicedStack(value)) {
      sliced.push_back(value);
      stacks.push_back(stack);
    }
  rewriter.setInsertionPoint(outer);
  for (Value value : readBy(op))
    if (isConstant(value) && !isOutside(outer, value))
      rewriter.clone(*value.getDefiningOp(), map);
  return LoopOp::create(rewriter, op->getLoc(), loop.getLoopName(), loop.getCount(), ValueRange(), stacks,
                        /*reverse=*/false,
                        [&](ImplicitLocOpBuilder &b, ArrayRef<BlockArgument>, ArrayRef<BlockArgument> slices) {
                          map.map(sliced, slices);
                          Operation *work = b.clone(*op, map);
                          YieldOp::create(b, ValueRange(), work->getResults());
                        });
}

/// Rewrite 2, for one op of the body: returns the loop that replaces `loop`, null if none applies.
LoopOp splitOne(RewriterBase &rewriter, LoopOp loop) {
  for (Operation &op : loop.getBody().front().without_terminator()) {
    if (!op.hasTrait<LoopInvariantWorkOp>())
      continue;
    LoopOp outer = repeatedBy(loop, &op);
    if (!outer && isDoneElsewhere(loop, &op))
      outer = loop;
    if (!outer)
      continue;
    LoopOp split = splitOff(rewriter, loop, &op, outer);
    SmallVector<Value> slices(loop.getSlices());
    Block &body = loop.getBody().front();
    for (auto [result, stack] : llvm::zip(op.getResults(), split.getResults())) {
      slices.push_back(stack);
      rewriter.replaceAllUsesWith(result, body.addArgument(result.getType(), op.getLoc()));
    }
    rewriter.eraseOp(&op);
    LoopOp rebuilt = loop.rebuild(rewriter, loop.getInits(), slices);
    rewriter.replaceOp(loop, rebuilt.getResults());
    return rebuilt;
  }
  return LoopOp();
}

struct HoistInvariantsPass : impl::HoistInvariantsPassBase<HoistInvariantsPass> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    // Inner loops first: what leaves them may leave the loops around them. What rewrite 2 builds
    // starts a new round, for the work it enables in loops already visited.
    for (bool changed = true; changed;) {
      changed = false;
      SmallVector<LoopOp> loops;
      getOperation().walk([&](LoopOp loop) { loops.push_back(loop); });
      for (LoopOp loop : loops) {
        if (loop.getLimit()) // What it would do once may be what it shall not do at all.
          continue;
        changed |= moveOut(loop);
        while (LoopOp next = splitOne(rewriter, loop)) {
          loop = next;
          changed = true;
        }
      }
    }
  }
};
} // namespace
} // namespace mlir::nanochat
