// From tensors to slots: entries turn into host functions on planned arenas.
#include "lib/Memory/Passes.h"
#include "lib/Memory/Places.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_PLACECOPIESPASS
#define GEN_PASS_DEF_PLANMEMORYPASS
#include "lib/Memory/Passes.h.inc"

namespace {
using BoundBuffers = llvm::StringMap<std::unique_ptr<Buffer>>;

/// Rewrites one placed entry.
class HostEmitter {
public:
  HostEmitter(func::FuncOp entry, const PlaceTable &places) : entry(entry), places(places), b(entry.getContext()) {}

  /// Replaces the entry's body; `tensors` are the indices of its bound tensors.
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
    entry->setAttr(kTensorsAttr, b.getDenseI64ArrayAttr(tensors));
  }

private:
  struct Iteration {
    Value number, index; // of the iteration, and of the slice it works on
  };

  void emitBlock(Block &block) {
    for (Operation &op : block) {
      if (auto dispatch = dyn_cast<DispatchOp>(op)) {
        SmallVector<Value> slots;
        for (Value value : dispatch.getInputs())
          slots.push_back(slot(value));
        for (Value value : dispatch.getResults())
          slots.push_back(slot(value));
        LaunchOp::create(b, op.getLoc(), dispatch.getKernelAttr(), slots);
      } else if (auto loop = dyn_cast<LoopOp>(op)) {
        emitLoop(loop);
      }
    }
  }

  void emitLoop(LoopOp loop) {
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
    iterations[loop] = {number, index};
    emitBlock(loop.getBody().front());
  }

  Value slot(Value value) {
    auto type = cast<RankedTensorType>(value.getType());
    return slot(places.of(value), MemRefType::get(type.getShape(), type.getElementType()), value.getLoc());
  }

  Value slot(const Place &place, MemRefType type, Location loc) {
    if (place.choice) {
      Value turn = iterations.lookup(place.choice->loop).number;
      if (place.choice->when == Place::When::isEven)
        turn = arith::RemUIOp::create(b, loc, turn, arith::ConstantIndexOp::create(b, loc, 2));
      Value zero = arith::ConstantIndexOp::create(b, loc, 0);
      Value isYes = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, turn, zero);
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
      PlaceTable(entry).assign(bound);
  }
};

struct PlanMemoryPass : impl::PlanMemoryPassBase<PlanMemoryPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    BoundBuffers bound;
    std::vector<std::unique_ptr<PlaceTable>> tables;
    SmallVector<func::FuncOp> entries = getEntries(module);
    for (func::FuncOp entry : entries) {
      tables.push_back(std::make_unique<PlaceTable>(entry));
      tables.back()->assign(bound);
    }
    SmallVector<int64_t> sizes(getMaxEnumValForArena() + 1, 0);
    for (auto &table : tables) {
      SmallVector<Buffer *> temporaries;
      for (auto &buffer : table->getBuffers())
        temporaries.push_back(buffer.get());
      int64_t &workspace = sizes[unsigned(Arena::workspace)];
      workspace = std::max(workspace, packArena(temporaries));
    }
    SmallVector<Attribute> temporaries;
    for (auto [entry, table] : llvm::zip(entries, tables))
      describeTemporaries(entry, *table, temporaries);
    // Bound tensors lie one after the other, in the order of the entries' signatures.
    SmallVector<Attribute> tensors;
    DenseMap<Buffer *, int64_t> numbers;
    for (auto [entry, table] : llvm::zip(entries, tables)) {
      SmallVector<int64_t> used;
      auto use = [&](DictionaryAttr attrs, Type type, Buffer *buffer) {
        auto [it, isNew] = numbers.try_emplace(buffer, tensors.size());
        if (isNew) {
          int64_t &size = sizes[unsigned(buffer->arena)];
          buffer->offset = size;
          size += buffer->bytes;
          tensors.push_back(describe(attrs, type, buffer));
        }
        if (!llvm::is_contained(used, it->second))
          used.push_back(it->second);
      };
      for (BlockArgument arg : entry.getArguments())
        use(entry.getArgAttrOfType<DictionaryAttr>(arg.getArgNumber(), kBindAttr), arg.getType(), table->of(arg).buffer);
      for (OpOperand &result : entry.getBody().front().getTerminator()->getOpOperands())
        use(entry.getResultAttrOfType<DictionaryAttr>(result.getOperandNumber(), kBindAttr), result.get().getType(),
            table->of(result.get()).buffer);
      HostEmitter(entry, *table).run(used);
    }
    Builder b(&getContext());
    module->setAttr(kTensorsAttr, b.getArrayAttr(tensors));
    module->setAttr(kArenaBytesAttr, b.getDenseI64ArrayAttr(sizes));
    module->setAttr(kWorkspaceAttr, b.getArrayAttr(temporaries));
    for (auto model : llvm::make_early_inc_range(module.getOps<ModelOp>()))
      model.erase();
  }

  static void describeTemporaries(func::FuncOp entry, const PlaceTable &table, SmallVectorImpl<Attribute> &list) {
    SmallVector<Buffer *> buffers;
    for (auto &buffer : table.getBuffers())
      if (buffer->first >= 0)
        buffers.push_back(buffer.get());
    llvm::stable_sort(buffers, [](Buffer *x, Buffer *y) { return x->bytes > y->bytes; });
    Builder b(entry.getContext());
    for (Buffer *buffer : buffers) {
      NamedAttrList facts;
      facts.set("entry", entry.getSymNameAttr());
      facts.set("type", TypeAttr::get(buffer->type));
      for (auto [name, value] : {std::pair("bytes", buffer->bytes), {"offset", buffer->offset}, {"first", buffer->first}, {"last", buffer->last}})
        facts.set(name, b.getI64IntegerAttr(value));
      if (buffer->saved && entry.getSymName().ends_with(".gradients"))
        facts.set("saved", b.getUnitAttr());
      list.push_back(facts.getDictionary(entry.getContext()));
    }
  }

  static DictionaryAttr describe(DictionaryAttr attrs, Type type, Buffer *buffer) {
    Builder b(type.getContext());
    NamedAttrList list(attrs);
    list.set("type", TypeAttr::get(type));
    list.set("arena", b.getI64IntegerAttr(int64_t(buffer->arena)));
    list.set("offset", b.getI64IntegerAttr(buffer->offset));
    return list.getDictionary(type.getContext());
  }
};
} // namespace
} // namespace mlir::nanochat
