#include "lib/Lowering/KernelWrappers.h"
#include "lib/Targets/Target.h"
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace mlir::nanochat;

namespace {
/// Builds a call of the kernel from what a function is given.
class KernelCall {
public:
  KernelCall(func::FuncOp kernel, Block *body)
      : kernel(kernel), b(kernel.getLoc(), OpBuilder::atBlockEnd(body)), types(kernel.getContext()) {}

  /// Passes the buffer at `address` on, as the kernel's next argument.
  void pass(Value address) {
    auto memref = cast<MemRefType>(kernel.getArgumentTypes()[args.size()]);
    Value descriptor = MemRefDescriptor::fromStaticShape(b, b.getLoc(), types, memref, address);
    args.push_back(UnrealizedConversionCastOp::create(b, memref, descriptor).getResult(0));
  }
  void passTask(Value task) { args.push_back(arith::IndexCastOp::create(b, b.getIndexType(), task)); }
  void finish() { func::CallOp::create(b, kernel, args); }

  func::FuncOp kernel;
  ImplicitLocOpBuilder b;

private:
  LLVMTypeConverter types;
  SmallVector<Value> args;
};
} // namespace

/// The wrapper of the kernel itself; with `shared` memory as another argument where threads of a block run it.
static func::FuncOp wrapThread(func::FuncOp kernel, StringRef suffix) {
  OpBuilder builder(kernel);
  Type ptr = LLVM::LLVMPointerType::get(kernel.getContext());
  SmallVector<Type> arguments{ptr, builder.getI64Type(), ptr};
  bool isBlock = getKernel(kernel).isOfBlock();
  if (isBlock)
    arguments.push_back(ptr);
  auto run = func::FuncOp::create(builder, kernel.getLoc(), (kernel.getName() + suffix).str(),
                                  builder.getFunctionType(arguments, {}));
  KernelCall call(kernel, run.addEntryBlock());
  ImplicitLocOpBuilder &b = call.b;
  for (size_t i = 0; i < bufferTypes(kernel).size(); ++i) {
    Value at = LLVM::GEPOp::create(b, ptr, ptr, run.getArgument(0), ArrayRef<LLVM::GEPArg>{int32_t(i)});
    call.pass(LLVM::LoadOp::create(b, ptr, at));
  }
  call.passTask(run.getArgument(1));
  call.pass(run.getArgument(2));
  if (isBlock)
    call.pass(LLVM::AddrSpaceCastOp::create(b, LLVM::LLVMPointerType::get(kernel.getContext(), 3), run.getArgument(3)));
  call.finish();
  func::ReturnOp::create(b);
  return run;
}

/// A declaration of `name`, made where there is none.
static LLVM::LLVMFuncOp declare(ModuleOp module, StringRef name, TypeRange arguments) {
  if (auto func = module.lookupSymbol<LLVM::LLVMFuncOp>(name))
    return func;
  OpBuilder b = OpBuilder::atBlockBegin(module.getBody());
  auto none = LLVM::LLVMVoidType::get(module.getContext());
  return LLVM::LLVMFuncOp::create(b, module.getLoc(), name,
                                  LLVM::LLVMFunctionType::get(none, llvm::to_vector(arguments)));
}

void mlir::nanochat::wrapForCpu(func::FuncOp kernel) {
  bool isBlock = getKernel(kernel).isOfBlock();
  func::FuncOp thread = wrapThread(kernel, isBlock ? ".thread" : kKernelRunSuffix);
  if (!isBlock)
    return;
  ImplicitLocOpBuilder b(kernel.getLoc(), kernel.getContext());
  b.setInsertionPoint(thread);
  Type ptr = LLVM::LLVMPointerType::get(b.getContext()), i64 = b.getI64Type();
  auto emulate = declare(kernel->getParentOfType<ModuleOp>(), "nc_emulate", {ptr, ptr, i64, ptr, i64, i64});
  auto run =
      func::FuncOp::create(b, (kernel.getName() + kKernelRunSuffix).str(), b.getFunctionType({ptr, i64, ptr}, {}));
  b.setInsertionPointToStart(run.addEntryBlock());
  // Its address has the type of a function until functions are lowered.
  Value constant = func::ConstantOp::create(b, thread.getFunctionType(), thread.getName());
  Value body = UnrealizedConversionCastOp::create(b, ptr, constant).getResult(0);
  auto number = [&](int64_t number) { return LLVM::ConstantOp::create(b, i64, b.getI64IntegerAttr(number)); };
  LLVM::CallOp::create(b, emulate,
                       ValueRange{body, run.getArgument(0), run.getArgument(1), run.getArgument(2),
                                  number(getKernel(kernel).getThreads()), number(getKernel(kernel).getShared())});
  func::ReturnOp::create(b);
}

/// The memory that a launch gives each block.
static Value dynamicShared(ImplicitLocOpBuilder &b, ModuleOp module) {
  constexpr StringLiteral kName = "nc_shared";
  auto pointer = LLVM::LLVMPointerType::get(b.getContext(), 3);
  if (!module.lookupSymbol(kName)) {
    OpBuilder top = OpBuilder::atBlockBegin(module.getBody());
    LLVM::GlobalOp::create(top, module.getLoc(), LLVM::LLVMArrayType::get(b.getI8Type(), 0), /*isConstant=*/false,
                           LLVM::Linkage::External, kName, Attribute(), /*alignment=*/1024, /*addrSpace=*/3);
  }
  return LLVM::AddressOfOp::create(b, pointer, kName);
}

void mlir::nanochat::wrapForGpu(func::FuncOp kernel) {
  KernelAttr facts = getKernel(kernel);
  OpBuilder builder(kernel);
  Type ptr = LLVM::LLVMPointerType::get(kernel.getContext());
  size_t buffers = bufferTypes(kernel).size();
  auto type =
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(kernel.getContext()), SmallVector<Type>(buffers + 1, ptr));
  auto run = LLVM::LLVMFuncOp::create(builder, kernel.getLoc(), (kernel.getName() + kKernelRunSuffix).str(), type);
  ImplicitLocOpBuilder b(kernel.getLoc(), OpBuilder::atBlockEnd(run.addEntryBlock(builder)));
  Value block = NVVM::BlockIdXOp::create(b, b.getI32Type());
  Value wide = LLVM::ZExtOp::create(b, b.getI64Type(), block);
  auto number = [&](int64_t value) { return LLVM::ConstantOp::create(b, b.getI64Type(), b.getI64IntegerAttr(value)); };
  Value offset = LLVM::MulOp::create(b, wide, number(facts.getScratch()));
  Value scratch = LLVM::GEPOp::create(b, ptr, b.getI8Type(), run.getArguments().back(), ArrayRef<LLVM::GEPArg>{offset});
  auto callFor = [&](Value task) {
    KernelCall call(kernel, b.getInsertionBlock());
    for (Value buffer : run.getArguments().drop_back())
      call.pass(buffer);
    call.passTask(task);
    call.pass(scratch);
    if (facts.isOfBlock())
      call.pass(dynamicShared(call.b, kernel->getParentOfType<ModuleOp>()));
    call.finish();
  };
  if (!facts.getScratch()) {
    callFor(wide);
  } else { // GpuFacts::blocksOf: a block may have several tasks, whose scratch and shared memory is the same
    Block *head = b.createBlock(&run.getBody(), run.getBody().end(), b.getI64Type(), kernel.getLoc());
    Block *body = b.createBlock(&run.getBody(), run.getBody().end());
    Block *end = b.createBlock(&run.getBody(), run.getBody().end());
    b.setInsertionPointToEnd(&run.getBody().front());
    Value blocks = LLVM::ZExtOp::create(b, b.getI64Type(), NVVM::GridDimXOp::create(b, b.getI32Type()));
    LLVM::BrOp::create(b, ValueRange{wide}, head);
    b.setInsertionPointToEnd(head);
    Value task = head->getArgument(0);
    Value isLeft = LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::slt, task, number(facts.getTasks()));
    LLVM::CondBrOp::create(b, isLeft, body, end);
    b.setInsertionPointToEnd(body);
    callFor(task);
    b.setInsertionPointToEnd(body);
    NVVM::BarrierOp::create(b);
    LLVM::BrOp::create(b, ValueRange{LLVM::AddOp::create(b, task, blocks)}, head);
    b.setInsertionPointToEnd(end);
  }
  LLVM::ReturnOp::create(b, ValueRange());
  run->setAttr(NVVM::NVVMDialect::getKernelFuncAttrName(), b.getUnitAttr());
  int32_t threads = std::max<int32_t>(1, facts.getThreads());
  run->setAttr(NVVM::NVVMDialect::getReqntidAttrName(), b.getDenseI32ArrayAttr({threads, 1, 1}));
  // Else ptxas spills rather than have fewer blocks run side by side.
  run->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(), b.getI32IntegerAttr(1));
}
