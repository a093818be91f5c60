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
/// Rewrites one entry to `(context: ptr, arenas: ptr) -> ()`.
class HostLowering {
public:
  /// `read` reads numbers where buffers are a device's, and `iterate` tells it of micro-batches; else they are null.
  HostLowering(func::FuncOp entry, LLVM::LLVMFuncOp dispatch, LLVM::LLVMFuncOp read, LLVM::LLVMFuncOp iterate,
               NumberTable &numbers, SourceTexts &sources)
      : entry(entry), dispatch(dispatch), read(read), iterate(iterate), numbers(numbers), sources(sources),
        b(entry.getContext()) {}

  void run() {
    auto ptr = LLVM::LLVMPointerType::get(entry.getContext());
    Block &body = entry.getBody().front();
    context = body.addArgument(ptr, entry.getLoc());
    arenas = body.addArgument(ptr, entry.getLoc());
    entry.setFunctionType(b.getFunctionType({ptr, ptr}, {}));
    openFrame(body);
    entry.walk([&](scf::ForOp loop) {
      if (loop->removeAttr(kMicroBatchesAttr) && iterate)
        tell(loop);
      count(loop);
    });
    entry.walk([&](memref::LoadOp load) { lower(load); });
    entry.walk([&](LaunchOp launch) { lower(launch); });
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
      Value number = numbers.load(b, loop.getLoc(), *getConstantIntValue(constant));
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
    LLVM::CallOp::create(b, loc, iterate, ValueRange{context, number, count});
    b.setInsertionPointAfter(loop);
    LLVM::CallOp::create(b, loc, iterate, ValueRange{context, count, count});
  }

  Value address(Value buffer) {
    Location loc = buffer.getLoc();
    if (auto select = buffer.getDefiningOp<arith::SelectOp>())
      return LLVM::SelectOp::create(b, loc, select.getCondition(), address(select.getTrueValue()),
                                    address(select.getFalseValue()));
    auto slot = buffer.getDefiningOp<SlotOp>();
    auto ptr = LLVM::LLVMPointerType::get(b.getContext());
    Value offset = numbers.load(b, loc, slot.getOffset());
    for (auto [index, stride] : llvm::zip(slot.getIndices(), slot.getStrides())) {
      Value wide = arith::IndexCastOp::create(b, loc, b.getI64Type(), index);
      offset = LLVM::AddOp::create(b, loc, offset, LLVM::MulOp::create(b, loc, wide, numbers.load(b, loc, stride)));
    }
    return LLVM::GEPOp::create(b, loc, ptr, b.getI8Type(), bases[unsigned(slot.getArena())],
                               ArrayRef<LLVM::GEPArg>{offset});
  }

  void lower(memref::LoadOp load) {
    b.setInsertionPoint(load);
    Value number = read ? readFromDevice(load)
                        : Value(LLVM::LoadOp::create(b, load.getLoc(), load.getType(), address(load.getMemRef())));
    load.replaceAllUsesWith(number);
    load.erase();
  }

  Value readFromDevice(memref::LoadOp load) {
    Location loc = load.getLoc();
    unsigned bits = load.getType().getIntOrFloatBitWidth();
    Value bytes = LLVM::ConstantOp::create(b, loc, b.getI64IntegerAttr(bits / 8));
    Value number =
        LLVM::CallOp::create(b, loc, read, ValueRange{context, address(load.getMemRef()), bytes}).getResult();
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
    LLVM::CallOp::create(b, loc, dispatch, ValueRange{context, info, buffers, sources.text(b, loc)});
    launch.erase();
  }

  func::FuncOp entry;
  LLVM::LLVMFuncOp dispatch, read, iterate;
  NumberTable &numbers;
  SourceTexts &sources;
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
    OpBuilder b(&getContext());
    b.setInsertionPointToStart(module.getBody());
    auto ptr = LLVM::LLVMPointerType::get(&getContext());
    auto none = LLVM::LLVMVoidType::get(&getContext());
    auto dispatch = LLVM::LLVMFuncOp::create(b, module.getLoc(), "nc_dispatch",
                                             LLVM::LLVMFunctionType::get(none, {ptr, ptr, ptr, ptr}));
    LLVM::LLVMFuncOp read, iterate;
    if (row->onGpu()) {
      iterate = LLVM::LLVMFuncOp::create(b, module.getLoc(), "nc_iterate",
                                         LLVM::LLVMFunctionType::get(none, {ptr, b.getI64Type(), b.getI64Type()}));
      read = LLVM::LLVMFuncOp::create(b, module.getLoc(), "nc_read",
                                      LLVM::LLVMFunctionType::get(b.getI64Type(), {ptr, ptr, b.getI64Type()}));
    }
    NumberTable numbers;
    SourceTexts sources;
    for (auto func : llvm::to_vector(module.getOps<func::FuncOp>())) {
      if (getEntry(func))
        HostLowering(func, dispatch, read, iterate, numbers, sources).run();
      else if (KernelAttr kernel = getKernel(func); kernel && kernel.isEmitted())
        wrap(func, row->onGpu());
    }
    numbers.define(module);
    sources.define(module);
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
