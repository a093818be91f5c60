#include "lib/Memory/Places.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::nanochat;

static int64_t denseBytes(Type type) {
  auto shaped = cast<ShapedType>(type);
  return shaped.getNumElements() * ((shaped.getElementTypeBitWidth() + 7) / 8);
}

int64_t mlir::nanochat::bytesOf(Type type) { return llvm::alignTo(denseBytes(type), 64); }

Place Place::at(int64_t bytes) const {
  Place place = *this;
  place.offset += bytes;
  return place;
}

bool Place::operator==(const Place &other) const {
  auto same = [](const Term &x, const Term &y) {
    return x.loop == y.loop && x.stride == y.stride && x.alternate == y.alternate &&
           (!x.alternate || x.phase == y.phase);
  };
  return buffer == other.buffer && offset == other.offset && terms.size() == other.terms.size() &&
         llvm::all_of(llvm::zip(terms, other.terms), [&](auto p) { return same(std::get<0>(p), std::get<1>(p)); });
}

static bool isView(Operation *op) {
  return isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op);
}

/// The value whose memory `value` shows under another shape.
static Value stripViews(Value value) {
  while (Operation *def = value.getDefiningOp()) {
    if (!isView(def))
      break;
    value = def->getOperand(0);
  }
  return value;
}

/// All uses of the memory of `value`, views of it included.
static void collectUses(Value value, SmallVectorImpl<OpOperand *> &uses) {
  for (OpOperand &use : value.getUses())
    if (isView(use.getOwner()))
      collectUses(use.getOwner()->getResult(0), uses);
    else
      uses.push_back(&use);
}

/// Is `use`, the last one in `block`, the only use of its value at or after `producer`?
static bool diesAt(Value value, Operation *producer, OpOperand *inPlace) {
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

/// May what computes `next` write over the memory of `old`?
static bool canOverwrite(Value next, Value old) {
  auto result = dyn_cast<OpResult>(stripViews(next));
  if (!result || denseBytes(next.getType()) != denseBytes(old.getType()))
    return false;
  Operation *op = result.getOwner();
  OpOperand *use = soleOperand(op, op->getOpOperands(), old);
  if (!use) {
    // Not read here at all: fine once it is dead.
    bool reads = llvm::any_of(op->getOperands(), [&](Value v) { return stripViews(v) == old; });
    return isa<DispatchOp>(op) && !reads && diesAt(old, op, nullptr);
  }
  if (!diesAt(old, op, use))
    return false;
  if (auto dispatch = dyn_cast<DispatchOp>(op))
    return !dispatch.getInplace().empty() &&
           dispatch.getInplace()[result.getResultNumber()] == int64_t(use->getOperandNumber());
  auto loop = dyn_cast<LoopOp>(op);
  if (!loop)
    return false;
  unsigned carries = loop.getNumCarries(), number = use->getOperandNumber(), k = result.getResultNumber();
  if (number < carries)
    return k == number && canOverwrite(loop.getYield().getValues()[k], loop.getCarryArgs()[k]);
  return k >= carries &&
         canOverwrite(loop.getYield().getStacks()[k - carries], loop.getSliceArgs()[number - carries]);
}

/// Is the value read only through slices of loops, so that it may be laid out with gaps?
static bool onlySliced(Value value) {
  return llvm::all_of(value.getUses(), [](OpOperand &use) {
    if (auto loop = dyn_cast<LoopOp>(use.getOwner()))
      return use.getOperandNumber() >= loop.getNumCarries();
    auto yield = dyn_cast<YieldOp>(use.getOwner());
    auto loop = yield ? dyn_cast<LoopOp>(yield->getParentOp()) : LoopOp();
    return loop && use.getOperandNumber() >= loop.getNumCarries() && onlySliced(loop->getResult(use.getOperandNumber()));
  });
}

namespace {
/// How a stack of a loop lies in memory.
struct Layout {
  int64_t base = 0, bytes = 0;
  SmallVector<int64_t> strides;
  bool saved = false; // holds the carried values of its loop, and one more
};
} // namespace

static Layout layoutOf(OpResult result) {
  auto loop = cast<LoopOp>(result.getOwner());
  Value element = loop.getYield()->getOperand(result.getResultNumber());
  bool sliced = onlySliced(result);
  bool nested = llvm::any_of(result.getUsers(), [](Operation *user) { return isa<YieldOp>(user); });
  Layout layout, inner;
  inner.bytes = sliced ? bytesOf(element.getType()) : denseBytes(element.getType());
  if (auto from = dyn_cast<OpResult>(element))
    if (auto within = dyn_cast<LoopOp>(from.getOwner()); within && sliced && from.getResultNumber() >= within.getNumCarries())
      inner = layoutOf(from);
  if (auto arg = dyn_cast<BlockArgument>(element))
    layout.saved = arg.getOwner() == &loop.getBody().front() && arg.getArgNumber() < loop.getNumCarries() && (sliced || !nested);
  layout.base = inner.base + (layout.saved && loop.getReverse() ? inner.bytes : 0);
  layout.bytes = inner.bytes * (loop.getCount() + (layout.saved ? 1 : 0));
  layout.strides = {inner.bytes};
  llvm::append_range(layout.strides, inner.strides);
  return layout;
}

Place PlaceTable::newBuffer(Value value, Block *owner) {
  auto buffer = std::make_unique<Buffer>(Buffer{Arena::workspace, bytesOf(value.getType()), owner});
  buffer->plain = true;
  buffers.push_back(std::move(buffer));
  Place place;
  place.buffer = buffers.back().get();
  return place;
}

/// Where `value` should be written: what a yield or return asks for, else where a loop wants to start.
Place PlaceTable::wish(Value value) {
  if (Place place = demands.lookup(value))
    return place;
  for (OpOperand &use : value.getUses()) {
    if (isView(use.getOwner()) && value.hasOneUse())
      return wish(use.getOwner()->getResult(0));
    auto loop = dyn_cast<LoopOp>(use.getOwner());
    if (!loop || use.getOperandNumber() >= loop.getNumCarries() || loop->getBlock() != value.getParentBlock())
      continue;
    Carry carry = carryOf(loop, use.getOperandNumber());
    if (carry.saved || value.hasOneUse())
      return carry.start;
  }
  return Place();
}

void PlaceTable::demand(Value value, Place place) {
  Operation *def = stripViews(value).getDefiningOp();
  if (!def || def->getBlock() != value.getParentBlock() || isa<arith::ConstantOp>(def))
    return;
  for (; Operation *view = value.getDefiningOp(); value = view->getOperand(0)) {
    demands.try_emplace(value, place);
    if (!isView(view))
      return;
  }
}

Place PlaceTable::homeOf(OpResult result) {
  if (Place place = places.lookup(result))
    return place;
  Layout layout = layoutOf(result);
  Place place = wish(result);
  if (!place) {
    place = newBuffer(result, result.getOwner()->getBlock());
    place.buffer->bytes = llvm::alignTo(std::max(layout.bytes, place.buffer->bytes), 64);
    place.buffer->plain = false;
    place.offset = layout.base;
  }
  if (place.strides.empty())
    place.strides = layout.strides;
  return places[result] = place;
}

PlaceTable::Carry PlaceTable::carryOf(LoopOp loop, unsigned k) {
  auto key = std::make_pair(loop.getOperation(), k);
  if (auto it = carries.find(key); it != carries.end())
    return it->second;
  BlockArgument arg = loop.getCarryArgs()[k];
  Value next = loop.getYield().getValues()[k];
  Carry carry;
  // Saved: the first stack of the carried value is its home.
  for (auto [stack, result] : llvm::zip(loop.getYield().getStacks(), loop.getStackResults())) {
    if (stack != arg || !layoutOf(cast<OpResult>(result)).saved)
      continue;
    Place home = homeOf(cast<OpResult>(result));
    int64_t stride = home.strides.front(), ahead = loop.getReverse() ? -stride : stride;
    int64_t last = (int64_t(loop.getCount()) - 1) * stride;
    home.strides.clear();
    carry.saved = true;
    carry.start = home.at(loop.getReverse() ? last : 0);
    carry.result = home.at(loop.getReverse() ? -stride : last + stride);
    carry.arg = home;
    carry.arg.terms.push_back({loop, stride, 0, 0});
    carry.next = carry.arg.at(ahead);
    return carries[key] = carry;
  }
  Place home = wish(loop.getResult(k));
  if (canOverwrite(next, arg)) {
    if (!home) {
      home = newBuffer(arg, loop->getBlock());
      home.buffer->plain = false;
    }
    carry.start = carry.arg = carry.next = carry.result = home;
    return carries[key] = carry;
  }
  home = newBuffer(arg, loop->getBlock());
  home.buffer->plain = false;
  int64_t bytes = home.buffer->bytes;
  home.buffer->bytes = 2 * bytes;
  carry.start = home;
  carry.result = home.at(loop.getCount() % 2 * bytes);
  carry.arg = carry.next = home;
  carry.arg.terms.push_back({loop, 0, bytes, 0});
  carry.next.terms.push_back({loop, 0, bytes, 1});
  return carries[key] = carry;
}

Value PlaceTable::copyTo(OpBuilder &b, Value value, Place place) {
  auto type = cast<RankedTensorType>(value.getType());
  auto dispatch = DispatchOp::create(b, value.getLoc(), type, DispatchClass::pointwise, value,
                                     b.getDenseI64ArrayAttr({-1}), FlatSymbolRefAttr());
  dispatch->setAttr("nanochat.copy", b.getUnitAttr());
  Block &body = dispatch.getBody().emplaceBlock();
  ImplicitLocOpBuilder in = ImplicitLocOpBuilder::atBlockEnd(value.getLoc(), &body);
  Value source = body.addArgument(type, value.getLoc());
  Value empty = tensor::EmptyOp::create(in, type.getShape(), type.getElementType());
  AffineMap id = b.getMultiDimIdentityMap(type.getRank());
  SmallVector<utils::IteratorType> parallel(type.getRank(), utils::IteratorType::parallel);
  auto copy = linalg::GenericOp::create(in, TypeRange{type}, source, empty, ArrayRef<AffineMap>{id, id}, parallel,
                                        [](OpBuilder &s, Location loc, ValueRange v) { linalg::YieldOp::create(s, loc, v[0]); });
  YieldOp::create(in, copy.getResults(), ValueRange());
  places[dispatch.getResult(0)] = place;
  return dispatch.getResult(0);
}

void PlaceTable::placeDispatch(DispatchOp op) {
  for (auto [r, result] : llvm::enumerate(op.getResults())) {
    Place place = wish(result);
    if (!place && !op.getInplace().empty() && op.getInplace()[r] >= 0) {
      OpOperand &input = op->getOpOperand(op.getInplace()[r]);
      Value source = stripViews(input.get());
      Place old = places.lookup(source);
      if (old.buffer->plain && source.getParentBlock() == op->getBlock() && diesAt(source, op, &input))
        place = old;
    }
    places[result] = place ? place : newBuffer(result, op->getBlock());
  }
}

void PlaceTable::settle(Operation *terminator, MutableArrayRef<OpOperand> operands, ArrayRef<Place> wanted) {
  OpBuilder b(terminator);
  for (auto [operand, place] : llvm::zip(operands, wanted))
    if (!(places.lookup(operand.get()) == place))
      operand.set(copyTo(b, operand.get(), place));
}

void PlaceTable::placeLoop(LoopOp loop) {
  SmallVector<Place> wanted;
  for (unsigned k = 0; k < loop.getNumCarries(); ++k) {
    Carry carry = carryOf(loop, k);
    OpOperand &init = loop->getOpOperand(k);
    if (!(places.lookup(init.get()) == carry.start)) {
      OpBuilder b(loop);
      init.set(copyTo(b, init.get(), carry.start));
    }
    places[loop.getCarryArgs()[k]] = carry.arg;
    places[loop.getResult(k)] = carry.result;
    wanted.push_back(carry.next);
  }
  for (auto [arg, operand] : llvm::zip(loop.getSliceArgs(), loop.getSlices())) {
    Place place = places.lookup(operand);
    int64_t stride = place.strides.empty() ? denseBytes(arg.getType()) : place.strides.front();
    if (!place.strides.empty())
      place.strides.erase(place.strides.begin());
    place.terms.push_back({loop, stride, 0, 0});
    places[arg] = place;
  }
  for (OpResult result : loop.getStackResults()) {
    Place slot = homeOf(result);
    int64_t stride = slot.strides.front();
    slot.strides.erase(slot.strides.begin());
    slot.terms.push_back({loop, stride, 0, 0});
    wanted.push_back(slot);
  }
  YieldOp yield = loop.getYield();
  for (auto [value, place] : llvm::zip(yield->getOperands(), wanted))
    demand(value, place);
  placeBlock(loop.getBody().front());
  settle(yield, yield->getOpOperands(), wanted);
}

void PlaceTable::placeBlock(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(block.without_terminator())) {
    if (auto dispatch = dyn_cast<DispatchOp>(op)) {
      if (!places.count(dispatch.getResult(0)))
        placeDispatch(dispatch);
    } else if (auto loop = dyn_cast<LoopOp>(op)) {
      placeLoop(loop);
    } else if (isView(&op)) {
      places[op.getResult(0)] = places.lookup(op.getOperand(0));
    }
  }
}

void PlaceTable::touch(Buffer *buffer, Operation *op) {
  Operation *top = buffer->owner->findAncestorOpInBlock(*op);
  auto [enter, exit] = positions.lookup(top);
  buffer->first = buffer->first < 0 ? enter : std::min(buffer->first, enter);
  buffer->last = std::max(buffer->last, exit);
}

void PlaceTable::findLifetimes() {
  int64_t clock = 0;
  std::function<void(Block &)> number = [&](Block &block) {
    for (Operation &op : block) {
      positions[&op].first = clock++;
      if (auto loop = dyn_cast<LoopOp>(op))
        number(loop.getBody().front());
      positions[&op].second = clock++;
    }
  };
  number(entry.getBody().front());
  entry.walk([&](Operation *op) {
    if (op->getParentOfType<DispatchOp>() || isa<func::FuncOp>(op))
      return;
    for (Value value : op->getOperands())
      if (Place place = places.lookup(value))
        touch(place.buffer, op);
    for (Value value : op->getResults())
      if (Place place = places.lookup(value))
        touch(place.buffer, op);
  });
}

/// The arena of a binding's kind.
static Arena arenaOf(StringRef kind) {
  return llvm::StringSwitch<Arena>(kind)
      .Case("param", Arena::param)
      .Case("state", Arena::state)
      .Case("gradient", Arena::gradient)
      .Default(Arena::io);
}

void PlaceTable::assign(llvm::StringMap<std::unique_ptr<Buffer>> &bound) {
  Block &block = entry.getBody().front();
  auto bind = [&](DictionaryAttr attrs, Type type) {
    Binding binding = Binding::of(attrs);
    std::string key;
    llvm::raw_string_ostream(key) << binding.kind << ':' << binding.name << ':' << type;
    auto &buffer = bound[key];
    if (!buffer)
      buffer = std::make_unique<Buffer>(Buffer{arenaOf(binding.kind), bytesOf(type), nullptr});
    // Bound tensors outlive every entry; only workspace is packed by lifetime.
    buffer->owner = &block;
    Place place;
    place.buffer = buffer.get();
    return place;
  };
  for (BlockArgument arg : block.getArguments())
    places[arg] = bind(entry.getArgAttrOfType<DictionaryAttr>(arg.getArgNumber(), kBindAttr), arg.getType());
  Operation *ret = block.getTerminator();
  SmallVector<Place> wanted;
  for (OpOperand &operand : ret->getOpOperands()) {
    unsigned i = operand.getOperandNumber();
    Place place = bind(entry.getResultAttrOfType<DictionaryAttr>(i, kBindAttr), operand.get().getType());
    wanted.push_back(place);
    // Updating in place is possible where the old value is dead by then.
    BlockArgument old;
    for (BlockArgument arg : block.getArguments())
      if (places.lookup(arg) == place)
        old = arg;
    if (!old || canOverwrite(operand.get(), old))
      demand(operand.get(), place);
  }
  placeBlock(block);
  settle(ret, ret->getOpOperands(), wanted);
  findLifetimes();
}

int64_t mlir::nanochat::packArena(ArrayRef<Buffer *> buffers) {
  SmallVector<Buffer *> order(buffers);
  llvm::stable_sort(order, [](Buffer *x, Buffer *y) { return x->bytes > y->bytes; });
  SmallVector<Buffer *> placed;
  int64_t size = 0;
  for (Buffer *buffer : order) {
    if (buffer->first < 0)
      continue;
    int64_t offset = 0;
    // `placed` is sorted by offset: take the first gap among those alive at the same time.
    for (Buffer *other : placed) {
      if (other->last < buffer->first || buffer->last < other->first)
        continue;
      if (other->offset - offset >= buffer->bytes)
        break;
      offset = std::max(offset, other->offset + other->bytes);
    }
    buffer->offset = offset;
    size = std::max(size, offset + buffer->bytes);
    placed.insert(llvm::upper_bound(placed, buffer, [](Buffer *x, Buffer *y) { return x->offset < y->offset; }), buffer);
  }
  return size;
}
