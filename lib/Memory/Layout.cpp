#include "lib/Memory/Layout.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::nanochat;

static bool isPart(OpOperand &use) {
  auto join = dyn_cast<JoinOp>(use.getOwner());
  return join && use.getOperandNumber() < join.getParts().size();
}

/// All uses of the memory of `value`, those of what shows it, or has it as a part, included.
static void collectUses(Value value, SmallVectorImpl<OpOperand *> &uses) {
  for (OpOperand &use : value.getUses())
    if (isView(use.getOwner()) || isPart(use))
      collectUses(use.getOwner()->getResult(0), uses);
    else
      uses.push_back(&use);
}

bool mlir::nanochat::diesAt(Value value, Operation *producer, OpOperand *inPlace) {
  SmallVector<OpOperand *> uses;
  collectUses(value, uses);
  for (OpOperand *use : uses) {
    if (use == inPlace)
      continue;
    Operation *top = producer->getBlock()->findAncestorOpInBlock(*use->getOwner());
    if (!top || !top->isBeforeInBlock(producer))
      return false;
  }
  return true;
}

/// The operand of `op` that shows the memory of `value`, if there is exactly one.
static OpOperand *soleOperand(Operation *op, MutableArrayRef<OpOperand> operands, Value value) {
  OpOperand *found = nullptr;
  for (OpOperand &operand : operands)
    if (stripViews(operand.get()) == value) {
      if (found)
        return nullptr;
      found = &operand;
    }
  return found;
}

/// Does a carried value start as `value`?
static bool startsLoop(Value value) {
  return llvm::any_of(value.getUses(), [](OpOperand &use) {
    auto loop = dyn_cast<LoopOp>(use.getOwner());
    return loop && use.getOperandNumber() < loop.getNumCarries();
  });
}

OpOperand *mlir::nanochat::overwrittenBy(OpResult result) {
  if (auto exchange = dyn_cast<ExchangeStartOp>(result.getOwner()))
    return exchange.getOver() ? &exchange->getOpOperand(1) : nullptr;
  if (auto join = dyn_cast<JoinOp>(result.getOwner()))
    return join.getOver() ? &join->getOpOperand(unsigned(join.getParts().size())) : nullptr;
  auto dispatch = dyn_cast<DispatchOp>(result.getOwner());
  ArrayRef<int64_t> inplace = dispatch ? dispatch.getInplace() : ArrayRef<int64_t>();
  int64_t input = inplace.empty() ? -1 : inplace[result.getResultNumber()];
  return input < 0 ? nullptr : &dispatch->getOpOperand(input);
}

bool mlir::nanochat::canOverwrite(Value next, Value old) {
  auto result = dyn_cast<OpResult>(stripViews(next));
  if (!result || denseBytes(next.getType()) != denseBytes(old.getType()))
    return false;
  Operation *op = result.getOwner();
  OpOperand *use = soleOperand(op, op->getOpOperands(), old);
  if (OpOperand *over = overwrittenBy(result);
      !use && over && diesAt(stripViews(over->get()), op, over) && canOverwrite(over->get(), old))
    return true;
  if (!use) {
    // Not read here at all: fine once it is dead, and no loop went on in its memory.
    bool reads = llvm::any_of(op->getOperands(), [&](Value v) { return stripViews(v) == old; });
    return isa<DispatchOp>(op) && !reads && !startsLoop(old) && diesAt(old, op, nullptr);
  }
  if (!diesAt(old, op, use))
    return false;
  if (isa<DispatchOp, JoinOp>(op))
    return overwrittenBy(result) == use;
  auto loop = dyn_cast<LoopOp>(op);
  if (!loop)
    return false;
  unsigned carries = loop.getNumCarries(), number = use->getOperandNumber(), k = result.getResultNumber();
  if (number < carries) // An even number of turns between two places ends where it started.
    return k == number && !savedStack(loop, k) &&
           (loop.getCount() % 2 == 0 || canOverwrite(loop.getYield().getValues()[k], loop.getCarryArgs()[k]));
  return k >= carries && canOverwrite(loop.getYield().getStacks()[k - carries], loop.getSliceArgs()[number - carries]);
}

bool mlir::nanochat::onlySliced(Value value) {
  return llvm::all_of(value.getUses(), [](OpOperand &use) {
    if (auto loop = dyn_cast<LoopOp>(use.getOwner()))
      return use.getOperandNumber() >= loop.getNumCarries();
    auto yield = dyn_cast<YieldOp>(use.getOwner());
    auto loop = yield ? dyn_cast<LoopOp>(yield->getParentOp()) : LoopOp();
    return loop && use.getOperandNumber() >= loop.getNumCarries() &&
           onlySliced(loop->getResult(use.getOperandNumber()));
  });
}

OpResult mlir::nanochat::savedStack(LoopOp loop, unsigned k) {
  for (auto [stack, result] : llvm::zip(loop.getYield().getStacks(), loop.getStackResults()))
    if (stack == loop.getCarryArgs()[k] && layoutOf(cast<OpResult>(result)).saved)
      return cast<OpResult>(result);
  return OpResult();
}

std::optional<Chain> mlir::nanochat::chainOf(LoopOp loop, unsigned k) {
  YieldOp yield = loop.getYield();
  if (loop.getReverse())
    return std::nullopt;
  for (OpOperand &use : loop.getCarryArgs()[k].getUses()) {
    auto inner = dyn_cast<LoopOp>(use.getOwner());
    unsigned number = use.getOperandNumber();
    if (!inner || inner.getReverse() || inner->getBlock() != yield->getBlock() || number >= inner.getNumCarries())
      continue;
    OpResult stack = savedStack(inner, number);
    if (stack && llvm::is_contained(yield.getStacks(), stack))
      return Chain{inner, number, yield.getValues()[k] == inner.getResult(number)};
  }
  return std::nullopt;
}

/// The chain over `loop` whose inner stack is `stack`.
static std::optional<Chain> chainThrough(LoopOp loop, OpResult stack) {
  for (unsigned k = 0; k < loop.getNumCarries(); ++k)
    if (auto chain = chainOf(loop, k); chain && savedStack(chain->inner, chain->number) == stack)
      return chain;
  return std::nullopt;
}

Layout mlir::nanochat::layoutOf(OpResult result) {
  auto loop = cast<LoopOp>(result.getOwner());
  Value element = loop.getYield()->getOperand(result.getResultNumber());
  bool sliced = onlySliced(result);
  bool nested = llvm::any_of(result.getUsers(), [](Operation *user) { return isa<YieldOp>(user); });
  Layout layout, inner;
  inner.bytes = sliced ? bytesOf(element.getType()) : denseBytes(element.getType());
  int64_t more = 0; // bytes beyond one slot per iteration
  if (auto from = dyn_cast<OpResult>(element))
    if (auto within = dyn_cast<LoopOp>(from.getOwner());
        within && sliced && from.getResultNumber() >= within.getNumCarries()) {
      inner = layoutOf(from);
      if (auto chain = chainThrough(loop, from)) {
        more = inner.strides.front();
        inner.bytes -= chain->linked ? more : 0;
      }
    }
  if (auto arg = dyn_cast<BlockArgument>(element))
    layout.saved =
        arg.getOwner() == &loop.getBody().front() && arg.getArgNumber() < loop.getNumCarries() && (sliced || !nested);
  if (layout.saved)
    more = inner.bytes;
  layout.base = inner.base + (layout.saved && loop.getReverse() ? inner.bytes : 0);
  layout.bytes = inner.bytes * loop.getCount() + more;
  layout.strides = {inner.bytes};
  llvm::append_range(layout.strides, inner.strides);
  return layout;
}
