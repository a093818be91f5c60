// The gradient of a loop is a loop that runs the other way.
//
// The body is swept in reverse into the body of a new loop, whose carried values are the cotangents
// of the carried values and, for weights of the enclosing scope, the sums over iterations. What the
// sweep read of the forward body crosses over in one of four ways:
//   - values of the enclosing scope are read there;
//   - slices are sliced again from the same stack;
//   - saved values become stacks of the forward loop and slices of the reverse loop;
//   - recomputed ones are cloned into the reverse body, from values of the other three kinds.
// `recompute` decides between the last two; the ops that run are the same, so are the bits.
#include "dialect/Linalg.h"
#include "dialect/StepIR.h"
#include "dialect/interfaces/Cost.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace mlir::nanochat;

namespace {
/// One loop's reverse pass, in the order of the member functions.
class ReverseLoop {
public:
  ReverseLoop(OpBuilder &builder, LoopOp forward, Cotangents &ct)
      : rewriter(builder), loc(forward.getLoc()), forward(forward), ct(ct) {}

  LogicalResult build() {
    if (forward.getLimit())
      return forward.emitOpError("has a limit, so nobody knows how often its gradient runs");
    if (forward.getFrom())
      return forward.emitOpError("runs over a part of what it slices, and has no gradient");
    findActive();
    Block *body = openBody();
    if (failed(sweep(body)))
      return failure();
    closeOverForward(body);
    finish(body);
    return success();
  }

private:
  BitVector findReached();
  void findActive();
  Block *openBody();
  LogicalResult sweep(Block *body);
  void closeOverForward(Block *body);
  void finish(Block *body);
  bool isRecomputed(Operation *op);

  Block &forwardBody() { return forward.getBody().front(); }

  IRRewriter rewriter;
  Location loc;
  LoopOp forward;
  Cotangents &ct;
  SmallVector<unsigned> carries, slices; // active ones, by number
  SmallVector<Value> captures;           // active values of the enclosing scope
  SmallVector<Value> inits, operands;    // of the reverse loop
  std::unique_ptr<Region> region = std::make_unique<Region>();
};
} // namespace

/// The carried values from which a result with a cotangent follows, through any number of iterations.
BitVector ReverseLoop::findReached() {
  BitVector reached(forward.getNumCarries());
  SmallVector<Value> work;
  auto reach = [&](unsigned i) {
    if (!reached.test(i))
      work.push_back(forward.getYield().getValues()[i]);
    reached.set(i);
  };
  for (auto [result, value] : llvm::zip(forward.getResults(), forward.getYield()->getOperands()))
    if (ct.of(result)) {
      if (result.getResultNumber() < forward.getNumCarries())
        reach(result.getResultNumber());
      else
        work.push_back(value);
    }
  DenseSet<Operation *> seen;
  while (!work.empty()) {
    Value value = work.pop_back_val();
    Operation *top = value.getDefiningOp() ? forwardBody().findAncestorOpInBlock(*value.getDefiningOp()) : nullptr;
    if (auto arg = dyn_cast<BlockArgument>(value);
        arg && arg.getOwner() == &forwardBody() && arg.getArgNumber() < reached.size())
      reach(arg.getArgNumber());
    else if (top && seen.insert(top).second)
      top->walk([&](Operation *op) { llvm::append_range(work, op->getOperands()); });
  }
  return reached;
}

void ReverseLoop::findActive() {
  BitVector reached = findReached();
  for (auto [i, arg] : llvm::enumerate(forward.getCarryArgs()))
    if (ct.wants(arg) && reached.test(i))
      carries.push_back(i);
  for (auto [i, arg] : llvm::enumerate(forward.getSliceArgs()))
    if (ct.wants(arg))
      slices.push_back(i);
  llvm::SetVector<Value> above;
  getUsedValuesDefinedAbove(forward.getBody(), above);
  for (Value value : above)
    if (ct.wants(value))
      captures.push_back(value);
}

Block *ReverseLoop::openBody() {
  Block *body = &region->emplaceBlock();
  auto carry = [&](Value init) {
    inits.push_back(init);
    return body->addArgument(init.getType(), loc);
  };
  for (unsigned i : carries)
    carry(ct.ofOrZero(rewriter, forward.getResult(i)));
  ImplicitLocOpBuilder b(loc, rewriter);
  for (Value value : captures)
    carry(constant(b, ct.typeOf(value), 0.0));
  return body;
}

LogicalResult ReverseLoop::sweep(Block *body) {
  YieldOp yield = forward.getYield();
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPointToEnd(body);
  // Sums of the enclosing scope are set aside: in the body, only this iteration's share counts.
  SmallVector<Value> outer;
  for (Value value : captures)
    outer.push_back(ct.take(value));
  for (auto [k, i] : llvm::enumerate(carries))
    ct.add(rewriter, yield.getValues()[i], body->getArgument(k));
  for (auto [stack, result] : llvm::zip(yield.getStacks(), forward.getStackResults()))
    if (Value grad = ct.of(result)) {
      operands.push_back(grad);
      ct.add(rewriter, stack, body->addArgument(LoopOp::sliceOf(grad.getType()), loc));
    }
  if (failed(reverseSweep(rewriter, forwardBody(), ct)))
    return failure();
  SmallVector<Value> next, stacks;
  for (unsigned i : carries)
    next.push_back(ct.ofOrZero(rewriter, forward.getCarryArgs()[i]));
  for (auto [k, value] : llvm::enumerate(captures)) {
    Value sum = body->getArgument(carries.size() + k), share = ct.take(value);
    next.push_back(share ? arith::AddFOp::create(rewriter, loc, sum, share).getResult() : sum);
    if (outer[k])
      ct.add(rewriter, value, outer[k]);
  }
  for (unsigned i : slices)
    stacks.push_back(ct.ofOrZero(rewriter, forward.getSliceArgs()[i]));
  YieldOp::create(rewriter, loc, next, stacks);
  return success();
}

bool ReverseLoop::isRecomputed(Operation *op) {
  if (op->hasTrait<FormsGradientEarlyOp>())
    return false;
  switch (forward.getRecompute()) {
  case Recompute::nothing:
    // Constants are not worth a stack.
    return op->hasTrait<OpTrait::ConstantLike>();
  case Recompute::cheap:
    return !isa<LoopOp>(op) && !isExpensive(op);
  case Recompute::body:
    return true;
  }
  llvm_unreachable("covered switch");
}

void ReverseLoop::closeOverForward(Block *body) {
  // Clone recomputed producers, deepest first, until only arguments and saved values are missing.
  IRMapping map;
  SmallVector<Value> saved;
  auto missing = [&](Value value) {
    Operation *def = value.getDefiningOp();
    Block *block = def ? def->getBlock() : cast<BlockArgument>(value).getOwner();
    return block == &forwardBody() && !map.contains(value);
  };
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPointToStart(body);
  std::function<void(Value)> provide = [&](Value value) {
    if (!missing(value))
      return;
    Operation *def = value.getDefiningOp();
    if (def && isRecomputed(def)) {
      def->walk([&](Operation *op) { llvm::for_each(op->getOperands(), provide); });
      rewriter.clone(*def, map)->setAttr(kRecomputedAttr, rewriter.getUnitAttr());
      return;
    }
    auto arg = dyn_cast<BlockArgument>(value);
    unsigned number = arg ? arg.getArgNumber() : 0;
    map.map(value, body->addArgument(value.getType(), loc));
    if (arg && number >= forward.getNumCarries()) {
      operands.push_back(forward.getSlices()[number - forward.getNumCarries()]);
    } else {
      operands.push_back(Value()); // the stack of `value`, once the forward loop has it
      saved.push_back(value);
    }
  };
  SmallVector<Operation *> swept;
  for (Operation &op : *body)
    swept.push_back(&op);
  for (Operation *top : swept)
    top->walk([&](Operation *op) {
      for (OpOperand &use : op->getOpOperands()) {
        provide(use.get());
        if (Value here = map.lookupOrNull(use.get()))
          use.set(here);
      }
    });
  if (saved.empty())
    return;
  unsigned first = forward.getNumResults();
  SmallVector<Value> old(forward.getResults());
  LoopOp extended;
  {
    OpBuilder::InsertionGuard inner(rewriter);
    YieldOp yield = forward.getYield();
    yield.getStacksMutable().append(saved);
    extended = forward.rebuild(rewriter, forward.getInits(), forward.getSlices());
  }
  for (auto [from, to] : llvm::zip(old, extended.getResults())) {
    ct.replace(from, to);
    rewriter.replaceAllUsesWith(from, to);
  }
  rewriter.eraseOp(forward);
  forward = extended;
  auto stacks = forward.getResults().drop_front(first);
  for (Value &operand : operands)
    if (!operand) {
      operand = stacks.front();
      stacks = stacks.drop_front();
    }
}

void ReverseLoop::finish(Block *body) {
  auto yield = cast<YieldOp>(body->getTerminator());
  SmallVector<Type> types;
  for (Value init : inits)
    types.push_back(init.getType());
  for (Type type : yield.getStacks().getTypes())
    types.push_back(forward.stackOf(type));
  auto reverse = LoopOp::create(rewriter, loc, types, forward.getLoopNameAttr(), forward.getCountAttr(),
                                /*from=*/IntegerAttr(), inits, operands,
                                /*limit=*/Value(), RecomputeAttr::get(rewriter.getContext(), Recompute::nothing),
                                forward.getReverse() ? UnitAttr() : rewriter.getUnitAttr());
  reverse.getBody().takeBody(*region);
  auto results = reverse.getResults();
  for (auto [k, i] : llvm::enumerate(carries))
    ct.add(rewriter, forward.getInits()[i], results[k]);
  for (auto [k, value] : llvm::enumerate(captures))
    ct.add(rewriter, value, results[carries.size() + k]);
  for (auto [k, i] : llvm::enumerate(slices))
    ct.add(rewriter, forward.getSlices()[i], results[inits.size() + k]);
}

LogicalResult LoopOp::buildVJP(ImplicitLocOpBuilder &b, Cotangents &ct) {
  OpBuilder::InsertionGuard guard(b);
  return ReverseLoop(b, *this, ct).build();
}

/// Cotangents have kept rows alone, so the reverse loop has them too.
LogicalResult LoopOp::buildKeptVJP(ImplicitLocOpBuilder &b, Cotangents &ct, const KeptRows &) {
  return buildVJP(b, ct);
}
