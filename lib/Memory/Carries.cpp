// Where carried values and stacks of loops live, so that no iteration copies anything.
//
// A loop of the Step IR is a function of values: iteration i takes carried values, hands new ones to the next
// iteration, and leaves elements of stacks. In memory every value needs an address, and an address may depend on i.
// Placed naively, the value that is handed on is written to one buffer and read from another, and a carried value that
// the gradient needs later is copied into its stack: a copy of all activations for every layer of every loop. Four
// observations remove all of them from the models in models/.
//
// 1. Saved. The forward loop over layers carries x and stacks the very x it was given, for the backward loop:
//        iteration 0: reads x0, writes x1       stack = [x0, x1, x2]
//        iteration 1: reads x1, writes x2
//    Then the stack, made one element longer, is the home of x: iteration i finds it in element i and leaves the next
//    one in element i + 1. The loop starts in element 0, so whoever computes x0 writes it there (`wish`), and ends one
//    behind the last element. A loop that runs backwards goes down from the last element, and its extra one lies below
//    the first. (`savedIn`)
//
// 2. Chained. An outer loop over LoopLM steps carries x as well, and its body starts the loop over layers from it. All
//    inner stacks are stacked again, so that inner element 0 of outer iteration j is where x is at the start of step j:
//    no other home is needed. Where what the inner loop ends with is what the outer one hands on, the end of one inner
//    stack is the start of the next ("linked"), and `layoutOf` lays them one element apart. (`chainOf` in Layout.cpp
//    says when that holds.)
//
// 3. Trailing. The body stacks the *next* value (the state after every LoopLM step, for the exit gate): iteration i
//    writes element i and finds its own input in element i − 1; the first iteration reads where the loop starts. That
//    "first, else" is a choice of two places. (`trailing`)
//
// 4. What is not kept needs one place where whatever computes the next value may write over the old one, element by
//    element (`canOverwrite`: sums of gradients), else two that take turns by the parity of i, arranged so that the
//    last value falls on the place that the result should have. (`temporary`)
//
// Places are asked for in the order in which they are needed: a value's `wish` looks forward, to the return, yield or
// loop that reads it; a loop's start looks back, to where its first value already is and whether anybody reads that
// later (`ownsStart`). Where a wish cannot be met, `settle` inserts a copy, which is right, only slower; test/memory/
// counts them.
#include "lib/Memory/Layout.h"
#include "lib/Memory/Places.h"

using namespace mlir;
using namespace mlir::nanochat;

Place PlaceTable::newBuffer(Value value, Block *owner) {
  auto buffer = std::make_unique<Buffer>(Buffer{Arena::workspace, bytesOf(value.getType()), owner});
  buffer->plain = true;
  buffer->value = value;
  buffers.push_back(std::move(buffer));
  Place place;
  place.buffer = buffers.back().get();
  return place;
}

/// Bytes of a join in front of what it has of `use`; all of it is that of the operand that it lies over.
static int64_t offsetIn(JoinOp join, OpOperand &use) {
  int64_t bytes = 0;
  for (OpOperand &part : join.getPartsMutable()) {
    if (&part == &use)
      return bytes;
    bytes += denseBytes(part.get().getType());
  }
  return 0;
}

Place PlaceTable::homeOf(JoinOp join) {
  Value whole = join.getWhole();
  if (Place place = places.lookup(whole))
    return place;
  Place place = wish(whole);
  if (!place) {
    place = newBuffer(whole, join->getBlock());
    place.buffer->plain = false;
  }
  return places[whole] = place;
}

/// Where `value` should be written: what a yield or return asks for, else where a loop wants to start.
Place PlaceTable::wish(Value value) {
  if (Place place = demands.lookup(value))
    return place;
  for (OpOperand &use : value.getUses()) {
    if ((isView(use.getOwner()) || isa<ExchangeDoneOp>(use.getOwner())) && value.hasOneUse())
      return wish(use.getOwner()->getResult(0));
    if (auto join = dyn_cast<JoinOp>(use.getOwner()); join && join->getBlock() == value.getParentBlock())
      return homeOf(join).at(offsetIn(join, use));
    if (Place place = wishOfUpdate(use))
      return place;
    auto loop = dyn_cast<LoopOp>(use.getOwner());
    if (!loop || use.getOperandNumber() >= loop.getNumCarries() || loop->getBlock() != value.getParentBlock())
      continue;
    Carry carry = carryOf(loop, use.getOperandNumber());
    if (carry.saved || value.hasOneUse())
      return carry.start;
  }
  return Place();
}

/// Where a gradient ends up that is computed over the operand `use`: it is nobody else's, so the operand, whose last
/// use that is, may be there from the start.
Place PlaceTable::wishOfUpdate(OpOperand &use) {
  for (OpResult result : use.getOwner()->getResults()) {
    Place place = overwrittenBy(result) == &use ? demands.lookup(result) : Place();
    if (place.buffer && place.buffer->arena == Arena::gradient && diesAt(stripViews(use.get()), use.getOwner(), &use) &&
        isFree(place.buffer, use.get()))
      return place;
  }
  return Place();
}

bool PlaceTable::isFree(const Buffer *buffer, Value value) {
  Block *block = value.getParentBlock();
  for (Block *around = block; around; around = around->getParentOp()->getBlock()) {
    for (BlockArgument arg : around->getArguments()) {
      bool isThere = false;
      places.lookup(arg).forEachBuffer([&](Buffer *held) { isThere |= held == buffer; });
      if (isThere && !(around == block ? canOverwrite(value, arg) : arg.hasOneUse()))
        return false;
    }
    if (isa<func::FuncOp>(around->getParentOp()))
      break;
  }
  return true;
}

void PlaceTable::demand(Value value, Place place) {
  Operation *def = stripViews(value).getDefiningOp();
  if (!def || def->getBlock() != value.getParentBlock() || isa<arith::ConstantOp>(def))
    return;
  for (Operation *shown; (shown = value.getDefiningOp()); value = shown->getOperand(0)) {
    demands.try_emplace(value, place);
    if (auto join = dyn_cast<JoinOp>(shown))
      for (OpOperand &part : join.getPartsMutable())
        demand(part.get(), place.at(offsetIn(join, part)));
    if (!isView(shown) && !isa<ExchangeDoneOp>(shown)) // which shows what has come
      return;
  }
}

/// Where the elements of a stack are anyway: where a chain of carried values keeps them.
Place PlaceTable::chainedHome(OpResult stack) {
  auto loop = cast<LoopOp>(stack.getOwner());
  YieldOp yield = loop.getYield();
  Value element = yield->getOperand(stack.getResultNumber());
  if (!onlySliced(stack))
    return Place();
  for (unsigned k = 0; k < loop.getNumCarries(); ++k) {
    auto chain = chainOf(loop, k);
    if (!chain)
      continue;
    if (element == loop.getCarryArgs()[k])
      return carryOf(loop, k).arg.stackOver(loop);
    if (element == yield.getValues()[k])
      return carryOf(loop, k).next.stackOver(loop);
    if (element == chain->inner.getResult(chain->number))
      return carryOf(chain->inner, chain->number).result.stackOver(loop);
  }
  return Place();
}

Place PlaceTable::homeOf(OpResult stack) {
  if (Place place = places.lookup(stack))
    return place;
  if (Place place = chainedHome(stack))
    return places[stack] = place;
  auto loop = cast<LoopOp>(stack.getOwner());
  Layout layout = layoutOf(stack);
  // What holds carried values needs more than its own bytes, which a tensor of the program does not have.
  bool isOwn = layout.base == 0 && layout.bytes <= bytesOf(stack.getType());
  Place place = isOwn ? wish(stack) : Place();
  // Stacked again by the enclosing loop: a slice of its stack.
  if (auto outer = dyn_cast<LoopOp>(loop->getParentOp()); outer && !place)
    for (auto [element, result] : llvm::zip(outer.getYield().getStacks(), outer.getStackResults()))
      if (element == stack && !place)
        place = homeOf(cast<OpResult>(result)).slice(outer, denseBytes(stack.getType()));
  if (!place) {
    place = newBuffer(stack, loop->getBlock());
    place.buffer->bytes = llvm::alignTo(std::max(layout.bytes, place.buffer->bytes), 64);
    place.buffer->plain = false;
    place.buffer->saved = loop.getNumCarries() > 0 && !loop.getReverse();
    place.offset = layout.base;
  }
  if (place.strides.empty())
    place.strides = layout.strides;
  return places[stack] = place;
}

/// May the loop go on in the place of what carried value k starts from?
bool PlaceTable::ownsStart(LoopOp loop, unsigned k) {
  OpOperand &init = loop->getOpOperand(k);
  Value source = stripViews(init.get());
  if (source.getParentBlock() != loop->getBlock() || !diesAt(source, loop, &init))
    return false;
  Place place = places.lookup(source);
  if (auto arg = dyn_cast<BlockArgument>(source)) {
    auto outer = dyn_cast<LoopOp>(arg.getOwner()->getParentOp());
    return outer && arg.getArgNumber() < outer.getNumCarries() && !carryOf(outer, arg.getArgNumber()).saved;
  }
  bool isPlain = place.buffer && place.buffer->plain;
  if (isPlain)
    place.buffer->plain = false;
  return isPlain;
}

/// Carried value k of `loop` is element i of `stack` in iteration i, and leaves the next one at i + 1.
PlaceTable::Carry PlaceTable::savedIn(Place stack, LoopOp loop) {
  int64_t stride = stack.strides.front(), ahead = loop.getReverse() ? -stride : stride;
  int64_t last = (int64_t(loop.getCount()) - 1) * stride;
  Carry carry;
  carry.saved = true;
  carry.arg = stack.slice(loop, stride);
  carry.next = carry.arg.at(ahead);
  stack.strides.erase(stack.strides.begin());
  carry.start = stack.at(loop.getReverse() ? last : 0);
  carry.result = stack.at(loop.getReverse() ? -stride : last + stride);
  return carry;
}

/// A carried value whose next one goes to `stack`: iteration i finds it in element i - 1, the first in `start`.
PlaceTable::Carry PlaceTable::trailing(Place stack, LoopOp loop, Place start) {
  int64_t stride = stack.strides.front();
  Carry carry;
  carry.saved = true;
  carry.start = start;
  carry.next = stack.slice(loop, stride);
  carry.arg = Place::choose(loop, Place::When::isFirst, start, carry.next.at(loop.getReverse() ? stride : -stride));
  stack.strides.erase(stack.strides.begin());
  carry.result = stack.at(loop.getReverse() ? 0 : (int64_t(loop.getCount()) - 1) * stride);
  return carry;
}

PlaceTable::Carry PlaceTable::carryOf(LoopOp loop, unsigned k) {
  auto key = std::make_pair(loop.getOperation(), k);
  if (auto it = carries.find(key); it != carries.end())
    return it->second;
  if (auto chain = chainOf(loop, k))
    return carries[key] = savedIn(carryOf(chain->inner, chain->number).start.stackOver(loop), loop);
  if (OpResult stack = savedStack(loop, k))
    return carries[key] = savedIn(homeOf(stack), loop);
  return carries[key] = temporary(loop, k);
}

/// A carried value of which only the last one or two are kept.
PlaceTable::Carry PlaceTable::temporary(LoopOp loop, unsigned k) {
  BlockArgument arg = loop.getCarryArgs()[k];
  Value next = loop.getYield().getValues()[k];
  auto fresh = [&] {
    Place place = newBuffer(arg, loop->getBlock());
    place.buffer->plain = false;
    return place;
  };
  // Where the start is already: to go on in, or only to be read by the first iteration.
  Place known = places.lookup(stripViews(loop.getInits()[k]));
  Place own = known && ownsStart(loop, k) ? known : Place();
  bool isRead = known && !own && known.strides.empty();
  auto startingAt = [&](Carry carry) {
    if (isRead && !(known == carry.start)) {
      carry.start = known;
      carry.arg = Place::choose(loop, Place::When::isFirst, known, carry.arg);
    }
    return carry;
  };
  for (auto [element, stack] : llvm::zip(loop.getYield().getStacks(), loop.getStackResults()))
    if (element == next)
      return trailing(homeOf(cast<OpResult>(stack)), loop, own ? own : isRead ? known : fresh());
  Carry carry;
  Place result = wish(loop.getResult(k));
  // A loop that may run not at all leaves its values where they were.
  if (loop.getLimit()) {
    carry.start = carry.arg = carry.next = carry.result = result ? result : own ? own : fresh();
    return carry;
  }
  if (canOverwrite(next, arg)) {
    Place home = result ? result : own ? own : fresh();
    carry.start = carry.arg = carry.next = carry.result = home;
    return startingAt(carry);
  }
  // Two places in turn: the last value falls on what the result wishes, the first where it already is.
  Place sides[2];
  unsigned last = loop.getCount() % 2;
  sides[last] = result;
  if (!sides[0] && !(own && own == result))
    sides[0] = own;
  for (Place &side : sides)
    if (!side)
      side = fresh();
  carry.start = sides[0];
  carry.result = sides[last];
  carry.arg = Place::choose(loop, Place::When::isEven, sides[0], sides[1]);
  carry.next = Place::choose(loop, Place::When::isEven, sides[1], sides[0]);
  return startingAt(carry);
}
