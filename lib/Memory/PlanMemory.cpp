// From tensors to slots: entries turn into host functions on planned arenas.
#include "dialect/Sources.h"
#include "lib/Memory/Passes.h"
#include "lib/Memory/Places.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_PLACECOPIESPASS
#define GEN_PASS_DEF_PLANMEMORYPASS
#include "lib/Memory/Passes.h.inc"

namespace {
using BoundBuffers = llvm::StringMap<std::unique_ptr<Buffer>>;

/// Rewrites one placed entry.
class HostEmitter : public HostCode {
public:
  HostEmitter(func::FuncOp entry, const PlaceTable &places) : entry(entry), places(places), b(entry.getContext()) {}

  /// Replaces the entry's body; `tensors` are the numbers of its bound tensors.
  void run(ArrayRef<int64_t> tensors) {
    Block *body = new Block;
    b.setInsertionPointToEnd(body);
    emitBlock(entry.getBody().front());
    func::ReturnOp::create(b, entry.getLoc());
    entry.getBody().front().dropAllReferences();
    entry.getBody().getBlocks().clear();
    entry.getBody().push_back(body);
    entry.setFunctionType(b.getFunctionType({}, {}));
    entry.removeArgAttrsAttr();
    entry.removeResAttrsAttr();
    EntryAttr own = getEntry(entry);
    entry->setAttr(EntryAttr::name,
                   EntryAttr::get(b.getContext(), own.getKind(), own.getPhase(), b.getDenseI64ArrayAttr(tensors)));
  }

  void launch(Operation *op, FlatSymbolRefAttr kernel) override {
    SmallVector<Value> slots;
    for (Value value : op->getOperands())
      slots.push_back(slot(value));
    for (Value value : op->getResults())
      slots.push_back(slot(value));
    LaunchOp::create(b, op->getLoc(), kernel, slots);
  }

  void start(ExchangeStartOp exchange) override {
    Place from = places.of(exchange.getX());
    if (exchange.getAhead())
      from = from.ahead(cast<LoopOp>(exchange->getParentOp()));
    StartOp::create(b, exchange.getLoc(), exchange.getCollective(), slot(from, exchange.getX()), slot(exchange.getY()),
                    exchange.getLane(), exchange.getPieceBytes(), exchange.getTotalBytes(), exchange.getMembers(),
                    exchange.getStride());
  }
  void finish(ExchangeDoneOp exchange) override {
    FinishOp::create(b, exchange.getLoc(), exchange.getStart().getLane());
  }

  void iterate(LoopOp loop) override {
    Location loc = loop.getLoc();
    Value zero = arith::ConstantIndexOp::create(b, loc, 0), one = arith::ConstantIndexOp::create(b, loc, 1);
    Value count = arith::ConstantIndexOp::create(b, loc, loop.getCount());
    if (loop.getLimit()) {
      Value limit = memref::LoadOp::create(b, loc, slot(loop.getLimit()));
      count = arith::MinUIOp::create(b, loc, count, arith::IndexCastUIOp::create(b, loc, b.getIndexType(), limit));
    }
    auto host = scf::ForOp::create(b, loc, zero, count, one);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(host.getBody());
    Value number = host.getInductionVar(), index = number;
    if (loop.getReverse())
      index = arith::SubIOp::create(b, loc, arith::ConstantIndexOp::create(b, loc, loop.getCount() - 1), number);
    for (StringRef name : {kPeriodAttr, kMicroBatchesAttr})
      if (Attribute said = loop->getAttr(name))
        host->setAttr(name, said);
    iterations[loop] = {number, index};
    emitBlock(loop.getBody().front());
  }

private:
  struct Iteration {
    Value number, index; // of the iteration, and of the slice it works on
  };

  void emitBlock(Block &block) {
    for (Operation &op : block.without_terminator())
      cast<HostOpInterface>(op).emit(*this);
  }

  Value slot(Value value) { return slot(places.of(value), value); }

  /// Of a tensor like `value`, at `place`.
  Value slot(const Place &place, Value value) {
    auto type = cast<RankedTensorType>(value.getType());
    return slot(place, MemRefType::get(type.getShape(), type.getElementType()), value.getLoc());
  }

  Value slot(const Place &place, MemRefType type, Location loc) {
    if (place.choice) {
      LoopOp loop = place.choice->loop;
      Value turn = iterations.lookup(loop).number;
      if (place.choice->when == Place::When::isEven)
        turn = arith::RemUIOp::create(b, loc, turn, arith::ConstantIndexOp::create(b, loc, 2));
      int64_t wanted = place.choice->when == Place::When::isLast ? int64_t(loop.getCount()) - 1 : 0;
      Value number = arith::ConstantIndexOp::create(b, loc, wanted);
      Value isYes = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, turn, number);
      Value yes = slot(place.choice->yes, type, loc), no = slot(place.choice->no, type, loc);
      return arith::SelectOp::create(b, loc, isYes, yes, no);
    }
    SmallVector<Value> indices;
    SmallVector<int64_t> strides;
    for (const Place::Term &term : place.terms) {
      indices.push_back(iterations.lookup(term.loop).index);
      strides.push_back(term.stride);
    }
    return SlotOp::create(b, loc, type, place.buffer->arena, place.buffer->offset + place.offset, indices, strides);
  }

  func::FuncOp entry;
  const PlaceTable &places;
  OpBuilder b;
  DenseMap<Operation *, Iteration> iterations;
};

struct PlaceCopiesPass : impl::PlaceCopiesPassBase<PlaceCopiesPass> {
  void runOnOperation() override {
    BoundBuffers bound;
    for (func::FuncOp entry : getEntries(getOperation()))
      if (failed(PlaceTable(entry).assign(bound)))
        return signalPassFailure();
  }
};

/// What buffers of an entry are for.
class Uses {
public:
  explicit Uses(func::FuncOp entry) : isForGradients(getEntry(entry).getKind() == EntryKind::gradients) {
    for (BlockArgument arg : entry.getArguments())
      if (BindingKind kind = getArgBinding(entry, arg.getArgNumber()).getKind();
          kind == BindingKind::parameter || kind == BindingKind::scales)
        ofParameters.insert(arg);
    follow(entry.getBody().front());
  }

  BufferUse of(const Buffer &buffer) const {
    return isExchanged(buffer.value)             ? BufferUse::communication
           : buffer.saved && isForGradients      ? BufferUse::saved
           : isOfHead(buffer.value.getLoc())     ? BufferUse::head
           : ofParameters.contains(buffer.value) ? BufferUse::working_copies
                                                 : BufferUse::workspace;
  }

private:
  /// Does an exchange bring the value, or hand it on to the next iteration?
  static bool isExchanged(Value value) {
    Operation *made = value.getDefiningOp();
    auto arg = dyn_cast<BlockArgument>(value);
    auto loop = dyn_cast<LoopOp>(arg ? arg.getOwner()->getParentOp() : made);
    if (!loop)
      return isa_and_present<ExchangeStartOp, ExchangeDoneOp>(made);
    unsigned number = arg ? arg.getArgNumber() : cast<OpResult>(value).getResultNumber();
    if (number >= loop.getNumCarries())
      return false;
    Value next = loop.getYield()->getOperand(number);
    return next.getDefiningOp() && loop.getBody().isAncestor(next.getParentRegion()) && isExchanged(next);
  }
  bool isConstant(Value value) const { return matchPattern(value, m_Constant()); }

  /// Marks values of `block` that are computed from parameters and nothing else that varies.
  void follow(Block &block) {
    for (Operation &op : block.without_terminator()) {
      auto loop = dyn_cast<LoopOp>(op);
      if (loop) {
        for (auto [arg, stack] : llvm::zip(loop.getSliceArgs(), loop.getSlices()))
          if (ofParameters.contains(stack))
            ofParameters.insert(arg);
        follow(loop.getBody().front());
        for (auto [result, element] : llvm::zip(loop.getStackResults(), loop.getYield().getStacks()))
          if (ofParameters.contains(element))
            ofParameters.insert(result);
        continue;
      }
      llvm::SetVector<Value> values = readBy(&op);
      bool isDerived = llvm::any_of(values, [&](Value v) { return ofParameters.contains(v); }) &&
                       llvm::all_of(values, [&](Value v) { return ofParameters.contains(v) || isConstant(v); });
      if (isDerived)
        ofParameters.insert_range(op.getResults());
    }
  }

  bool isForGradients;
  DenseSet<Value> ofParameters;
};

/// Writes into the program's op what entries use.
class ProgramWriter {
public:
  explicit ProgramWriter(ProgramOp program)
      : program(program), b(program.getContext()), sizes(getMaxEnumValForArena() + 1, 0) {
    b.setInsertionPointToEnd(&program.getBody().front());
  }

  /// Bound tensors lie one after the other, in the order of the entries' signatures; returns the numbers of those of
  /// this one.
  SmallVector<int64_t> addTensors(func::FuncOp entry, const PlaceTable &table) {
    SmallVector<int64_t> used;
    auto use = [&](BindAttr bind, Value value) {
      Buffer *buffer = table.of(value).buffer;
      auto [it, isNew] = numbers.try_emplace(buffer, numbers.size());
      if (isNew) {
        int64_t &size = sizes[unsigned(buffer->arena)];
        buffer->offset = size;
        size += buffer->bytes;
        TensorOp::create(b, entry.getLoc(), bind, buffer->arena, buffer->offset,
                         cast<RankedTensorType>(value.getType()));
      }
      if (!llvm::is_contained(used, it->second))
        used.push_back(it->second);
    };
    for (BlockArgument arg : entry.getArguments())
      use(getArgBinding(entry, arg.getArgNumber()), arg);
    for (OpOperand &result : entry.getBody().front().getTerminator()->getOpOperands())
      use(getResultBinding(entry, result.getOperandNumber()), result.get());
    return used;
  }

  /// The workspace is packed for each entry by itself.
  void addTemporaries(func::FuncOp entry, const PlaceTable &table) {
    SmallVector<Buffer *> buffers;
    for (auto &buffer : table.getBuffers())
      if (buffer->first >= 0)
        buffers.push_back(buffer.get());
    int64_t &workspace = sizes[unsigned(Arena::workspace)];
    workspace = std::max(workspace, packArena(buffers));
    llvm::stable_sort(buffers, [](Buffer *x, Buffer *y) { return x->bytes > y->bytes; });
    Uses uses(entry);
    for (Buffer *buffer : buffers)
      TemporaryOp::create(b, buffer->value.getLoc(), entry.getSymName(), buffer->offset, buffer->bytes, buffer->first,
                          buffer->last, uses.of(*buffer), cast<RankedTensorType>(buffer->value.getType()));
  }

  void finish() { program.setArenas(sizes); }

private:
  ProgramOp program;
  OpBuilder b;
  SmallVector<int64_t> sizes; // by arena
  DenseMap<Buffer *, int64_t> numbers;
};

struct PlanMemoryPass : impl::PlanMemoryPassBase<PlanMemoryPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    BoundBuffers bound;
    std::vector<std::unique_ptr<PlaceTable>> tables;
    SmallVector<func::FuncOp> entries = getEntries(module);
    for (func::FuncOp entry : entries) {
      tables.push_back(std::make_unique<PlaceTable>(entry));
      if (failed(tables.back()->assign(bound)))
        return signalPassFailure();
    }
    ProgramWriter writer(getOrCreateProgram(module));
    SmallVector<SmallVector<int64_t>> tensors;
    for (auto [entry, table] : llvm::zip(entries, tables))
      tensors.push_back(writer.addTensors(entry, *table));
    for (auto [entry, table] : llvm::zip(entries, tables))
      writer.addTemporaries(entry, *table);
    writer.finish();
    for (auto [entry, table, used] : llvm::zip(entries, tables, tensors))
      HostEmitter(entry, *table).run(used);
    for (auto model : llvm::make_early_inc_range(module.getOps<ModelOp>()))
      model.erase();
  }
};
} // namespace
} // namespace mlir::nanochat
