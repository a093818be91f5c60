// Host functions to the ABI: slots become addresses, launches calls of nc_dispatch (runtime/Abi.h).
#include "dialect/StepIR.h"
#include "lib/Lowering/HostData.h"
#include "lib/Lowering/KernelWrappers.h"
#include "lib/Lowering/Passes.h"
#include "lib/Targets/Target.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_LOWERHOSTPASS
#include "lib/Lowering/Passes.h.inc"

namespace {
/// What programs call of the runtime.
struct RuntimeFunctions {
  LLVM::LLVMFuncOp dispatch;
  LLVM::LLVMFuncOp read, iterate; // for numbers and micro-batches where buffers are a device's; else null
  LLVM::LLVMFuncOp start, finish; // where there are several ranks; else null

  RuntimeFunctions(ModuleOp module, bool isOnGpu, bool hasRanks) : b(module.getContext()) {
    b.setInsertionPointToStart(module.getBody());
    Type ptr = LLVM::LLVMPointerType::get(module.getContext()), none = LLVM::LLVMVoidType::get(module.getContext());
    dispatch = declare("nc_dispatch", none, {ptr, ptr, ptr, ptr});
    if (isOnGpu) {
      read = declare("nc_read", b.getI64Type(), {ptr, ptr, b.getI64Type()});
      iterate = declare("nc_iterate", none, {ptr, b.getI64Type(), b.getI64Type()});
    }
    if (hasRanks) {
      start = declare("nc_start", none, {ptr, ptr, ptr, ptr, b.getI32Type(), ptr});
      finish = declare("nc_finish", none, {ptr, b.getI32Type()});
    }
  }

private:
  LLVM::LLVMFuncOp declare(StringRef name, Type result, ArrayRef<Type> arguments) {
    return LLVM::LLVMFuncOp::create(b, b.getUnknownLoc(), name, LLVM::LLVMFunctionType::get(result, arguments));
  }
  OpBuilder b;
};

/// What host functions refer to.
struct HostTables {
  NumberTable numbers;
  SourceTexts sources;
  CollectiveTable collectives;
};

/// Rewrites one entry to `(context: ptr, arenas: ptr) -> ()`.
class HostLowering {
public:
  HostLowering(func::FuncOp entry, const RuntimeFunctions &runtime, HostTables &tables)
      : entry(entry), runtime(runtime), tables(tables), b(entry.getContext()) {}

  void run() {
    auto ptr = LLVM::LLVMPointerType::get(entry.getContext());
    Block &body = entry.getBody().front();
    context = body.addArgument(ptr, entry.getLoc());
    arenas = body.addArgument(ptr, entry.getLoc());
    entry.setFunctionType(b.getFunctionType({ptr, ptr}, {}));
    openFrame(body);
    entry.walk([&](scf::ForOp loop) {
      if (loop->removeAttr(kMicroBatchesAttr) && runtime.iterate)
        tell(loop);
      count(loop);
    });
    entry.walk([&](memref::LoadOp load) { lower(load); });
    entry.walk([&](LaunchOp launch) { lower(launch); });
    entry.walk([&](StartOp start) { lower(start); });
    entry.walk([&](FinishOp finish) { lower(finish); });
    SmallVector<Operation *> slots; // and choices of slots, which come after them
    entry.walk([&](Operation *op) {
      if (op->getNumResults() == 1 && isa<MemRefType>(op->getResult(0).getType()))
        slots.push_back(op);
    });
    for (Operation *op : llvm::reverse(slots))
      op->erase();
  }

private:
  /// Loads the arenas' bases and reserves the widest argument list.
  void openFrame(Block &body) {
    Location loc = entry.getLoc();
    auto ptr = LLVM::LLVMPointerType::get(entry.getContext());
    size_t widest = 1;
    entry.walk([&](LaunchOp launch) { widest = std::max<size_t>(widest, launch.getBuffers().size()); });
    b.setInsertionPointToStart(&body);
    Value count = LLVM::ConstantOp::create(b, loc, b.getI64IntegerAttr(widest));
    buffers = LLVM::AllocaOp::create(b, loc, ptr, ptr, count);
    for (unsigned arena = 0; arena <= getMaxEnumValForArena(); ++arena) {
      Value at = LLVM::GEPOp::create(b, loc, ptr, ptr, arenas, ArrayRef<LLVM::GEPArg>{int32_t(arena)});
      bases.push_back(LLVM::LoadOp::create(b, loc, ptr, at));
    }
  }

  /// Loads the trip count of a loop, and what its index is subtracted from where it runs backwards.
  void count(scf::ForOp loop) {
    b.setInsertionPoint(loop);
    auto load = [&](Value constant) {
      Value number = tables.numbers.load(b, loop.getLoc(), *getConstantIntValue(constant));
      return arith::IndexCastOp::create(b, loop.getLoc(), b.getIndexType(), number);
    };
    // The least of the trip count and a limit, where there is one.
    if (auto least = loop.getUpperBound().getDefiningOp<arith::MinUIOp>()) {
      b.setInsertionPoint(least);
      OpOperand &count = least->getOpOperand(getConstantIntValue(least.getLhs()) ? 0 : 1);
      count.set(load(count.get()));
      b.setInsertionPoint(loop);
    } else {
      loop.getUpperBoundMutable().assign(load(loop.getUpperBound()));
    }
    for (Operation *user : loop.getInductionVar().getUsers())
      if (auto mirror = dyn_cast<arith::SubIOp>(user))
        mirror.getLhsMutable().assign(load(mirror.getLhs()));
  }

  /// Says when an iteration begins, and when they are over.
  void tell(scf::ForOp loop) {
    Location loc = loop.getLoc();
    b.setInsertionPoint(loop);
    Value count = LLVM::ConstantOp::create(b, loc, b.getI64IntegerAttr(*getConstantIntValue(loop.getUpperBound())));
    b.setInsertionPointToStart(loop.getBody());
    Value number = arith::IndexCastOp::create(b, loc, b.getI64Type(), loop.getInductionVar());
    LLVM::CallOp::create(b, loc, runtime.iterate, ValueRange{context, number, count});
    b.setInsertionPointAfter(loop);
    LLVM::CallOp::create(b, loc, runtime.iterate, ValueRange{context, count, count});
  }

  Value address(Value buffer) {
    Location loc = buffer.getLoc();
    if (auto select = buffer.getDefiningOp<arith::SelectOp>())
      return LLVM::SelectOp::create(b, loc, select.getCondition(), address(select.getTrueValue()),
                                    address(select.getFalseValue()));
    auto slot = buffer.getDefiningOp<SlotOp>();
    auto ptr = LLVM::LLVMPointerType::get(b.getContext());
    Value offset = tables.numbers.load(b, loc, slot.getOffset());
    for (auto [index, stride] : llvm::zip(slot.getIndices(), slot.getStrides())) {
      Value wide = arith::IndexCastOp::create(b, loc, b.getI64Type(), index);
      offset =
          LLVM::AddOp::create(b, loc, offset, LLVM::MulOp::create(b, loc, wide, tables.numbers.load(b, loc, stride)));
    }
    return LLVM::GEPOp::create(b, loc, ptr, b.getI8Type(), bases[unsigned(slot.getArena())],
                               ArrayRef<LLVM::GEPArg>{offset});
  }

  void lower(memref::LoadOp load) {
    b.setInsertionPoint(load);
    Value number = runtime.read
                       ? readFromDevice(load)
                       : Value(LLVM::LoadOp::create(b, load.getLoc(), load.getType(), address(load.getMemRef())));
    load.replaceAllUsesWith(number);
    load.erase();
  }

  Value readFromDevice(memref::LoadOp load) {
    Location loc = load.getLoc();
    unsigned bits = load.getType().getIntOrFloatBitWidth();
    Value bytes = LLVM::ConstantOp::create(b, loc, b.getI64IntegerAttr(bits / 8));
    Value number =
        LLVM::CallOp::create(b, loc, runtime.read, ValueRange{context, address(load.getMemRef()), bytes}).getResult();
    return bits == 64 ? number : Value(LLVM::TruncOp::create(b, loc, load.getType(), number));
  }

  void lower(LaunchOp launch) {
    Location loc = launch.getLoc();
    auto ptr = LLVM::LLVMPointerType::get(b.getContext());
    b.setInsertionPoint(launch);
    for (auto [i, buffer] : llvm::enumerate(launch.getBuffers())) {
      Value at = LLVM::GEPOp::create(b, loc, ptr, ptr, buffers, ArrayRef<LLVM::GEPArg>{int32_t(i)});
      LLVM::StoreOp::create(b, loc, address(buffer), at);
    }
    Value info = LLVM::AddressOfOp::create(b, loc, ptr, (launch.getKernel() + kKernelInfoSuffix).str());
    LLVM::CallOp::create(b, loc, runtime.dispatch, ValueRange{context, info, buffers, tables.sources.text(b, loc)});
    launch.erase();
  }

  void lower(StartOp start) {
    Location loc = start.getLoc();
    b.setInsertionPoint(start);
    Value lane = LLVM::ConstantOp::create(b, loc, b.getI32IntegerAttr(start.getLane()));
    LLVM::CallOp::create(b, loc, runtime.start,
                         ValueRange{context, tables.collectives.address(b, start), address(start.getFrom()),
                                    address(start.getTo()), lane, tables.sources.text(b, loc)});
    start.erase();
  }

  void lower(FinishOp finish) {
    b.setInsertionPoint(finish);
    Value lane = LLVM::ConstantOp::create(b, finish.getLoc(), b.getI32IntegerAttr(finish.getLane()));
    LLVM::CallOp::create(b, finish.getLoc(), runtime.finish, ValueRange{context, lane});
    finish.erase();
  }

  func::FuncOp entry;
  const RuntimeFunctions &runtime;
  HostTables &tables;
  OpBuilder b;
  Value context, arenas, buffers;
  SmallVector<Value> bases;
};

struct LowerHostPass : impl::LowerHostPassBase<LowerHostPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    FailureOr<Target> row = targetOf(module);
    if (failed(row))
      return signalPassFailure();
    bool hasRanks = module.walk([](StartOp) { return WalkResult::interrupt(); }).wasInterrupted();
    RuntimeFunctions runtime(module, row->onGpu(), hasRanks);
    HostTables tables;
    for (auto func : llvm::to_vector(module.getOps<func::FuncOp>())) {
      if (getEntry(func))
        HostLowering(func, runtime, tables).run();
      else if (KernelAttr kernel = getKernel(func); kernel && kernel.isEmitted())
        wrap(func, row->onGpu());
    }
    tables.numbers.define(module);
    tables.sources.define(module);
    tables.collectives.define(module);
  }

  /// Adds @k.run and @k.info, which nanochat-describe-program defines.
  static void wrap(func::FuncOp kernel, bool isOnGpu) {
    OpBuilder b(kernel);
    LLVM::GlobalOp::create(b, kernel.getLoc(), b.getI8Type(), /*isConstant=*/true, LLVM::Linkage::External,
                           (kernel.getName() + kKernelInfoSuffix).str(), Attribute());
    isOnGpu ? wrapForGpu(kernel) : wrapForCpu(kernel);
  }
};
} // namespace
} // namespace mlir::nanochat
