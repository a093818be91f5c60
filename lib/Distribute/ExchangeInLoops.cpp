#include "lib/Distribute/ExchangeInLoops.h"
#include "dialect/Linalg.h"
#include "dialect/interfaces/Cost.h"
#include "dialect/ops/kernel/Lanes.h"
#include "dialect/ops/quantize/Blocks.h"
#include "lib/Distribute/Exchanges.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace mlir::nanochat;

/// Elements of a layer's gradient that are worth exchanges of their own.
static constexpr int64_t kLeast = 4096;

/// Whether bases are refreshed in it, which are states: what is split would hand copies of them on.
static bool hasRefreshes(LoopOp loop) {
  return loop.walk([](LoopOp inner) { return inner.getLimit() ? WalkResult::interrupt() : WalkResult::advance(); })
      .wasInterrupted();
}

/// What a value is once all iterations of loops around it are done: the stack of a loop, which it returns; null if it
/// is something else, or is read by others than norms on the way.
static OpResult completingStack(Value value) {
  auto result = dyn_cast<OpResult>(value);
  auto loop = result ? dyn_cast<LoopOp>(result.getOwner()) : LoopOp();
  auto readers = llvm::make_filter_range(value.getUsers(), [](Operation *user) { return !isa<GradNormOp>(user); });
  bool isOnlyHandedOn = llvm::hasSingleElement(readers) && (*readers.begin())->hasTrait<OpTrait::IsTerminator>();
  if (!loop || !isOnlyHandedOn || hasRefreshes(loop))
    return OpResult();
  Value element = loop.getYield()->getOperand(result.getResultNumber());
  if (result.getResultNumber() < loop.getNumCarries())
    return completingStack(element);
  bool isWorth = loop.getCount() > 1 && typeOf(element).getNumElements() >= kLeast;
  return isWorth ? result : OpResult();
}

namespace {
/// Where a value goes that is to become a mean.
using Sinks = SmallVector<OpOperand *>;

/// One loop over layers.
class LayerLoop {
public:
  LayerLoop(IRRewriter &rewriter, LoopOp loop, const Sinks &sinks, const Partition &parts)
      : rewriter(rewriter), b(loop.getLoc(), rewriter), parts(parts), isReverse(loop.getReverse()) {
    for (OpOperand *sink : sinks)
      numbers.push_back(cast<OpResult>(sink->get()).getResultNumber());
    std::tie(first, others) = loop.split(rewriter, 1);
    for (unsigned number : numbers) {
      wholes.push_back(cast<JoinOp>(*first.getResult(number).user_begin()));
      sums.push_back(sumBefore(number));
    }
  }

  void run() {
    exchangeBefore();
    SmallVector<Value> last(others.getCarryResults().take_back(numbers.size()));
    b.setInsertionPointAfter(others);
    LayerExchange exchange(parts, last);
    exchange.start(b);
    for (size_t i = 0; i < last.size(); ++i)
      exchange.sum(b, i);
    for (auto [i, mean] : llvm::enumerate(exchange.finish(b))) {
      JoinOp old = wholes[i];
      b.setInsertionPoint(old);
      SmallVector<int64_t> one{1};
      llvm::append_range(one, typeOf(mean).getShape());
      SmallVector<Value> both{others.getResult(numbers[i] + unsigned(numbers.size())), reshape(b, mean, one)};
      if (isReverse)
        std::swap(both[0], both[1]);
      rewriter.replaceOp(old, JoinOp::create(b, old.getWhole().getType(), both, sums[i]));
    }
  }

private:
  /// The stack that the loop's result adds to, whose elements nobody reads after those of the result are known.
  Value sumBefore(unsigned number) {
    Operation *sum = others.getYield()->getOperand(number).getDefiningOp();
    for (Value value : sum ? sum->getOperands() : ValueRange())
      if (Value stack = others.getSlicedStack(value); stack && value.hasOneUse() &&
                                                      stack.getType() == wholes.back().getWhole().getType() &&
                                                      llvm::hasNItems(stack.getUsers(), 2)) // both loops
        return stack;
    return Value();
  }

  /// The others exchange what iterations before them have made.
  void exchangeBefore();

  IRRewriter &rewriter;
  ImplicitLocOpBuilder b;
  const Partition &parts;
  bool isReverse;
  SmallVector<unsigned> numbers; // of results
  LoopOp first, others;          // iterations
  SmallVector<JoinOp> wholes;
  SmallVector<Value> sums;
};
} // namespace

/// The ops of a block, each with the work that is done with it.
static SmallVector<std::pair<Operation *, double>> workUpTo(Block &block) {
  SmallVector<std::pair<Operation *, double>> ops;
  double done = 0;
  for (Operation &op : block.without_terminator())
    ops.push_back({&op, done += double(getFlops(&op))});
  return ops;
}

void LayerLoop::exchangeBefore() {
  Block &body = others.getBody().front();
  YieldOp yield = others.getYield();
  auto ops = workUpTo(body);
  unsigned carries = others.getNumCarries();
  SmallVector<Value> inits(others.getInits()), made, before;
  b.setInsertionPoint(others);
  double all = 0, known = 0;
  for (auto [i, number] : llvm::enumerate(numbers)) {
    made.push_back(yield->getOperand(number));
    before.push_back(body.insertArgument(carries + unsigned(i), made[i].getType(), made[i].getLoc()));
    inits.push_back(reshape(b, first.getResult(number), typeOf(made[i]).getShape()));
    all += double(denseBytes(made[i].getType()));
  }
  b.setInsertionPointToStart(&body);
  LayerExchange exchange(parts, before);
  exchange.start(b);
  // A link that is busy half of the time has brought them by then; so late, they come back before the end.
  constexpr double kBegin = 0.15, kSpread = 0.5;
  for (size_t i = 0; i < numbers.size(); ++i) {
    known += double(denseBytes(made[i].getType()));
    double share = kBegin + kSpread * known / all;
    const auto *last = llvm::find_if(ops, [&](auto &op) { return op.second >= share * ops.back().second; });
    b.setInsertionPointAfter(last->first);
    exchange.sum(b, i);
  }
  b.setInsertionPoint(yield);
  for (auto [number, mean] : llvm::zip(numbers, exchange.finish(b)))
    yield->setOperand(number, mean);
  yield.getValuesMutable().append(made);
  LoopOp longer = others.rebuild(rewriter, inits, others.getSlices());
  SmallVector<Value> results(longer.getCarryResults().take_front(carries));
  llvm::append_range(results, longer.getStackResults());
  rewriter.replaceOp(others, results);
  others = longer;
}

/// Has values of a block that loops make become means.
static void exchange(IRRewriter &rewriter, ArrayRef<OpOperand *> sinks, const Partition &parts) {
  llvm::MapVector<Operation *, Sinks> byLoop;
  for (OpOperand *sink : sinks)
    byLoop[sink->get().getDefiningOp()].push_back(sink);
  for (auto &[op, ofLoop] : byLoop) {
    auto loop = cast<LoopOp>(op);
    Sinks sums, stacks;
    for (OpOperand *sink : ofLoop)
      (cast<OpResult>(sink->get()).getResultNumber() < loop.getNumCarries() ? sums : stacks).push_back(sink);
    if (!stacks.empty()) {
      LayerLoop(rewriter, loop, stacks, parts).run();
      continue;
    }
    auto numbers =
        llvm::map_to_vector(sums, [](OpOperand *sink) { return cast<OpResult>(sink->get()).getResultNumber(); });
    LoopOp last = loop.getCount() > 1 ? loop.split(rewriter, int64_t(loop.getCount()) - 1).second : loop;
    last->removeAttr(kMicroBatchesAttr); // it is one of them, beside those that a loop goes through
    exchange(rewriter,
             llvm::map_to_vector(numbers, [&](unsigned number) { return &last.getYield()->getOpOperand(number); }),
             parts);
  }
}

DenseSet<unsigned> mlir::nanochat::exchangeInLoops(func::FuncOp entry, ArrayRef<unsigned> numbers,
                                                   const Partition &parts) {
  Operation *end = entry.getBody().front().getTerminator();
  llvm::MapVector<Operation *, SmallVector<unsigned>> byLoop;
  for (unsigned number : numbers)
    if (OpResult stack = completingStack(end->getOperand(number)))
      if (SmallVector<unsigned> &others = byLoop[stack.getOwner()]; others.size() < size_t(kOfLayer))
        others.push_back(number);
  IRRewriter rewriter(entry.getContext());
  DenseSet<unsigned> done;
  Sinks sinks;
  for (auto &[loop, ofLoop] : byLoop)
    for (unsigned number : ofLoop) {
      done.insert(number);
      sinks.push_back(&end->getOpOperand(number));
    }
  exchange(rewriter, sinks, parts);
  return done;
}
