#include "lib/Memory/Places.h"
#include "dialect/Linalg.h"
#include "lib/Memory/Layout.h"

using namespace mlir;
using namespace mlir::nanochat;

Value PlaceTable::copyTo(OpBuilder &b, Value value, Place place) {
  auto type = cast<RankedTensorType>(value.getType());
  auto dispatch = DispatchOp::create(b, value.getLoc(), type, DispatchClass::pointwise, value,
                                     b.getDenseI64ArrayAttr({-1}), FlatSymbolRefAttr());
  dispatch->setAttr(kCopyAttr, b.getUnitAttr());
  Block &body = dispatch.getBody().emplaceBlock();
  ImplicitLocOpBuilder in = ImplicitLocOpBuilder::atBlockEnd(value.getLoc(), &body);
  Value source = body.addArgument(type, value.getLoc());
  Value copy = pointwise(in, source, [](ImplicitLocOpBuilder &, ValueRange v) { return v[0]; });
  YieldOp::create(in, copy, ValueRange());
  places[dispatch.getResult(0)] = place;
  return dispatch.getResult(0);
}

void PlaceTable::show(Value result, Value source) { places[result] = places.lookup(source); }

void PlaceTable::write(Operation *op, ArrayRef<int64_t> inplace) {
  for (auto [r, result] : llvm::enumerate(op->getResults())) {
    if (places.count(result)) // a copy that was made for its place
      continue;
    Place place = wish(result);
    if (!place && !inplace.empty() && inplace[r] >= 0) {
      OpOperand &input = op->getOpOperand(inplace[r]);
      Value source = stripViews(input.get());
      Place old = places.lookup(source);
      if (old.buffer && old.buffer->plain && source.getParentBlock() == op->getBlock() && diesAt(source, op, &input))
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

void PlaceTable::iterate(LoopOp loop) {
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
  for (auto [arg, operand] : llvm::zip(loop.getSliceArgs(), loop.getSlices()))
    places[arg] = places.lookup(operand).slice(loop, denseBytes(arg.getType()), loop.getFirst());
  for (OpResult result : loop.getStackResults())
    wanted.push_back(homeOf(result).slice(loop, 0));
  YieldOp yield = loop.getYield();
  for (auto [number, value] : llvm::enumerate(yield->getOperands()))
    if (!loop.getLimit() || canOverwrite(value, loop.getCarryArgs()[number]))
      demand(value, wanted[number]);
  placeBlock(loop.getBody().front());
  settle(yield, yield->getOpOperands(), wanted);
}

void PlaceTable::join(JoinOp join) {
  Place place = homeOf(join);
  for (OpOperand &part : join.getPartsMutable()) {
    settle(join, part, place);
    place = place.at(denseBytes(part.get().getType()));
  }
}

void PlaceTable::placeBlock(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(block.without_terminator()))
    cast<HostOpInterface>(op).place(*this);
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
      places.lookup(value).forEachBuffer([&](Buffer *buffer) { touch(buffer, op); });
    for (Value value : op->getResults())
      places.lookup(value).forEachBuffer([&](Buffer *buffer) { touch(buffer, op); });
  });
}

LogicalResult PlaceTable::assign(llvm::StringMap<std::unique_ptr<Buffer>> &bound) {
  if (failed(verifyHostOps(entry)) || failed(verifyExchanges(entry)))
    return failure();
  Block &block = entry.getBody().front();
  auto bind = [&](BindAttr binding, Type type) {
    std::string key;
    llvm::raw_string_ostream(key) << binding.describe() << ':' << type;
    auto &buffer = bound[key];
    if (!buffer)
      buffer = std::make_unique<Buffer>(Buffer{arenaOf(binding.getKind()), bytesOf(type), nullptr});
    // Bound tensors outlive every entry; only workspace is packed by lifetime.
    buffer->owner = &block;
    Place place;
    place.buffer = buffer.get();
    return place;
  };
  for (BlockArgument arg : block.getArguments())
    places[arg] = bind(getArgBinding(entry, arg.getArgNumber()), arg.getType());
  Operation *ret = block.getTerminator();
  SmallVector<Place> wanted;
  for (OpOperand &operand : ret->getOpOperands()) {
    unsigned i = operand.getOperandNumber();
    Place place = bind(getResultBinding(entry, i), operand.get().getType());
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
  return success();
}
