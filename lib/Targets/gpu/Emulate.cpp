// NVIDIA's instructions to calls of the emulator (runtime/emulator/Emulator.h), one rule per instruction.
#include "dialect/DTypes.h"
#include "lib/Targets/Passes.h"
#include "lib/Targets/gpu/Mma.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "llvm/ADT/TypeSwitch.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_EMULATEPASS
#include "lib/Targets/Passes.h.inc"

namespace {
/// Rewrites the instructions of one function.
class Emulation {
public:
  explicit Emulation(LLVM::LLVMFuncOp func)
      : func(func), b(func.getContext()), i32(b.getI32Type()), ptr(LLVM::LLVMPointerType::get(func.getContext())) {}

  LogicalResult run() {
    SmallVector<Operation *> instructions;
    func.walk([&](Operation *op) {
      auto call = dyn_cast<LLVM::CallIntrinsicOp>(op);
      if (isa<NVVM::NVVMDialect>(op->getDialect()) || (call && call.getIntrin().starts_with("llvm.nvvm.")))
        instructions.push_back(op);
    });
    for (Operation *op : instructions) {
      b.setInsertionPoint(op);
      if (failed(rewrite(op)))
        return op->emitError("'") << op->getName() << "' cannot be emulated";
      op->erase();
    }
    return success();
  }

private:
  LogicalResult rewrite(Operation *op) {
    loc = op->getLoc();
    return llvm::TypeSwitch<Operation *, LogicalResult>(op)
        .Case([&](NVVM::ThreadIdXOp) { return results(op, call("nc_emu_tid", i32, {})); })
        .Case([&](NVVM::BarrierOp barrier) {
          call("nc_emu_barrier", Type(), {});
          return success(!barrier.getBarrierId());
        })
        .Case([&](NVVM::SyncWarpOp sync) { return done(call("nc_emu_warp_sync", Type(), {sync.getMask()})); })
        .Case([&](NVVM::ShflOp op) { return shuffle(op); })
        .Case([&](NVVM::CpAsyncOp copy) {
          Value size = constant(copy.getSize()), some = copy.getCpSize() ? copy.getCpSize() : size;
          return done(call("nc_emu_cp_async", Type(), {generic(copy.getDst()), generic(copy.getSrc()), size, some}));
        })
        .Case([&](NVVM::CpAsyncCommitGroupOp) { return done(call("nc_emu_cp_async_commit", Type(), {})); })
        .Case([&](NVVM::CpAsyncWaitGroupOp wait) {
          return done(call("nc_emu_cp_async_wait", Type(), {constant(wait.getN())}));
        })
        .Case([&](NVVM::LdMatrixOp load) {
          Value out = memory(load.getNum());
          bool transposed = load.getLayout() == NVVM::MMALayout::col;
          call("nc_emu_ldmatrix", Type(), {generic(load.getPtr()), out, constant(load.getNum()), constant(transposed)});
          return results(op, out);
        })
        .Case([&](NVVM::MmaOp mma) {
          auto overflow = mma.getIntOverflowBehavior();
          return overflow == NVVM::MMAIntOverflow::satfinite ? failure() : multiply(op);
        })
        .Case([&](NVVM::MmaBlockScaleOp mma) { return multiplyScaled(mma); })
        .Case([&](LLVM::CallIntrinsicOp intrinsic) {
          if (intrinsic.getIntrin() == "llvm.nvvm.ex2.approx.ftz.f")
            return results(op, call("nc_emu_exp2", b.getF32Type(), op->getOperands()));
          return multiply(op);
        })
        .Default([](Operation *) { return failure(); });
  }

  LogicalResult shuffle(NVVM::ShflOp op) {
    std::optional<StringRef> name = op.getKind() == NVVM::ShflKind::bfly  ? std::optional("nc_emu_shfl_bfly")
                                    : op.getKind() == NVVM::ShflKind::idx ? std::optional("nc_emu_shfl_idx")
                                                                          : std::nullopt;
    if (!name || op.getReturnValueAndIsValid())
      return failure();
    Value in = memory(1), out = memory(1);
    LLVM::StoreOp::create(b, loc, op.getVal(), in);
    call(*name, Type(), {in, out, op.getThreadMask(), op.getOffset()});
    return results(op, out);
  }

  /// A multiplication on tensor cores: operands in one array, results in another.
  LogicalResult multiply(Operation *op) {
    std::optional<Format> format = mmaFormat(op);
    std::optional<int32_t> dtype = format ? dtypeOf(factsOf(*format).storage(b)) : std::nullopt;
    if (!dtype)
      return failure();
    Value in = memory(op->getNumOperands()), out = memory(4);
    for (auto [i, operand] : llvm::enumerate(op->getOperands()))
      LLVM::StoreOp::create(b, loc, operand, word(in, i));
    call("nc_emu_mma", Type(), {in, out, constant(*dtype)});
    return results(op, out);
  }

  LogicalResult multiplyScaled(NVVM::MmaBlockScaleOp op) {
    bool isMx = op.getKind() == NVVM::MMABlockScaleKind::MXF4;
    if (op.getKind() == NVVM::MMABlockScaleKind::MXF8F6F4 || op.getShape().getK() != 64 ||
        (op.getScaleVecSize() == NVVM::ScaleVecSize::X2) != isMx)
      return failure();
    SmallVector<Value> words(op.getOperandA());
    llvm::append_range(words, op.getOperandB());
    llvm::append_range(words, op.getOperandC());
    words.append({op.getScaleAData(), op.getByteIdA(), op.getThreadIdA()});
    words.append({op.getScaleBData(), op.getByteIdB(), op.getThreadIdB()});
    Value in = memory(words.size()), out = memory(4);
    for (auto [i, operand] : llvm::enumerate(words)) {
      bool isNarrow = operand.getType().isInteger(16);
      Value whole = isNarrow ? Value(LLVM::ZExtOp::create(b, loc, i32, operand)) : operand;
      LLVM::StoreOp::create(b, loc, whole, word(in, i));
    }
    call("nc_emu_mma_block_scale", Type(), {in, out, constant(isMx ? 32 : 16)});
    return results(op, out);
  }

  LogicalResult done(Value) { return success(); }

  /// Replaces the result by a value, or by what memory holds at that address.
  LogicalResult results(Operation *op, Value value) {
    Value result = op->getResult(0);
    if (value.getType() != result.getType())
      value = LLVM::LoadOp::create(b, loc, result.getType(), value);
    result.replaceAllUsesWith(value);
    return success();
  }

  Value call(StringRef name, Type result, ValueRange operands) {
    auto module = func->getParentOfType<ModuleOp>();
    if (!module.lookupSymbol(name)) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(module.getBody());
      Type returned = result ? result : LLVM::LLVMVoidType::get(b.getContext());
      LLVM::LLVMFuncOp::create(b, loc, name,
                               LLVM::LLVMFunctionType::get(returned, llvm::to_vector(operands.getTypes())));
    }
    auto op = LLVM::CallOp::create(b, loc, result ? TypeRange(result) : TypeRange(), name, operands);
    return result ? op.getResult() : Value();
  }

  /// Words of the frame; instructions never overlap, so each has its own only for LLVM to see through.
  Value memory(int64_t words) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(&func.front());
    return LLVM::AllocaOp::create(b, loc, ptr, i32, constant(words), 16);
  }
  Value word(Value array, int64_t i) {
    return LLVM::GEPOp::create(b, loc, ptr, i32, array, ArrayRef<LLVM::GEPArg>{int32_t(i)});
  }
  Value constant(int64_t value) { return LLVM::ConstantOp::create(b, loc, b.getI32IntegerAttr(int32_t(value))); }
  Value generic(Value pointer) {
    return pointer.getType() == ptr ? pointer : Value(LLVM::AddrSpaceCastOp::create(b, loc, ptr, pointer));
  }

  LLVM::LLVMFuncOp func;
  OpBuilder b;
  Type i32;
  LLVM::LLVMPointerType ptr;
  Location loc = func.getLoc();
};

struct EmulatePass : impl::EmulatePassBase<EmulatePass> {
  void runOnOperation() override {
    for (auto func : llvm::to_vector(getOperation().getOps<LLVM::LLVMFuncOp>()))
      if (!func.isExternal() && failed(Emulation(func).run()))
        return signalPassFailure();
  }
};
} // namespace
} // namespace mlir::nanochat
