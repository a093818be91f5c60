#include "lib/Lowering/KernelWrappers.h"
#include "lib/Targets/Target.h"
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace mlir::nanochat;

static int64_t numberOf(func::FuncOp kernel, StringRef attribute) {
  auto number = kernel->getAttrOfType<IntegerAttr>(attribute);
  return number ? number.getInt() : 0;
}

namespace {
/// Builds a function that calls the kernel.
class Wrapper {
public:
  Wrapper(func::FuncOp kernel, StringRef suffix, TypeRange arguments)
      : kernel(kernel), b(kernel.getLoc(), kernel.getContext()), ptr(LLVM::LLVMPointerType::get(b.getContext())),
        types(kernel.getContext()), isBlock(kernel->hasAttr(kThreadsAttr)) {
    b.setInsertionPoint(kernel);
    run = func::FuncOp::create(b, (kernel.getName() + suffix).str(), b.getFunctionType(arguments, {}));
    b.setInsertionPointToStart(run.addEntryBlock());
  }

  Value argument(unsigned i) { return run.getArgument(i); }
  size_t buffers() { return bufferTypes(kernel).size(); }

  /// Passes the buffer at `address` on, as the kernel's next argument.
  void pass(Value address) {
    auto memref = cast<MemRefType>(kernel.getArgumentTypes()[args.size()]);
    Value descriptor = MemRefDescriptor::fromStaticShape(b, b.getLoc(), types, memref, address);
    args.push_back(UnrealizedConversionCastOp::create(b, memref, descriptor).getResult(0));
  }
  void passTask(Value task) { args.push_back(arith::IndexCastOp::create(b, b.getIndexType(), task)); }
  void finish() {
    func::CallOp::create(b, kernel, args);
    func::ReturnOp::create(b);
  }

  func::FuncOp kernel, run;
  ImplicitLocOpBuilder b;
  Type ptr;
  LLVMTypeConverter types;
  bool isBlock;
  SmallVector<Value> args;
};
} // namespace

/// The wrapper of the kernel itself; with `shared` memory as another argument where threads of a block run it.
static void wrapThread(func::FuncOp kernel, StringRef suffix) {
  Builder b(kernel.getContext());
  Type ptr = LLVM::LLVMPointerType::get(kernel.getContext());
  SmallVector<Type> arguments{ptr, b.getI64Type(), ptr};
  bool isBlock = kernel->hasAttr(kThreadsAttr);
  if (isBlock)
    arguments.push_back(ptr);
  Wrapper w(kernel, suffix, arguments);
  for (size_t i = 0; i < w.buffers(); ++i) {
    Value at = LLVM::GEPOp::create(w.b, ptr, ptr, w.argument(0), ArrayRef<LLVM::GEPArg>{int32_t(i)});
    w.pass(LLVM::LoadOp::create(w.b, ptr, at));
  }
  w.passTask(w.argument(1));
  w.pass(w.argument(2));
  if (isBlock)
    w.pass(LLVM::AddrSpaceCastOp::create(w.b, LLVM::LLVMPointerType::get(kernel.getContext(), 3), w.argument(3)));
  w.finish();
}

/// A declaration of `name`, made where there is none.
static LLVM::LLVMFuncOp declare(ModuleOp module, StringRef name, TypeRange arguments) {
  if (auto func = module.lookupSymbol<LLVM::LLVMFuncOp>(name))
    return func;
  OpBuilder b = OpBuilder::atBlockBegin(module.getBody());
  auto none = LLVM::LLVMVoidType::get(module.getContext());
  return LLVM::LLVMFuncOp::create(b, module.getLoc(), name, LLVM::LLVMFunctionType::get(none, llvm::to_vector(arguments)));
}

void mlir::nanochat::wrapForCpu(func::FuncOp kernel) {
  if (!kernel->hasAttr(kThreadsAttr))
    return wrapThread(kernel, kKernelRunSuffix);
  constexpr StringLiteral kThreadSuffix = ".thread";
  wrapThread(kernel, kThreadSuffix);
  ImplicitLocOpBuilder b(kernel.getLoc(), kernel.getContext());
  auto thread = kernel->getParentOfType<ModuleOp>().lookupSymbol<func::FuncOp>((kernel.getName() + kThreadSuffix).str());
  b.setInsertionPoint(thread);
  Type ptr = LLVM::LLVMPointerType::get(b.getContext()), i64 = b.getI64Type();
  auto emulate = declare(kernel->getParentOfType<ModuleOp>(), "nc_emulate", {ptr, ptr, i64, ptr, i64, i64});
  auto run = func::FuncOp::create(b, (kernel.getName() + kKernelRunSuffix).str(), b.getFunctionType({ptr, i64, ptr}, {}));
  b.setInsertionPointToStart(run.addEntryBlock());
  // Its address has the type of a function until functions are lowered.
  Value constant = func::ConstantOp::create(b, thread.getFunctionType(), thread.getName());
  Value body = UnrealizedConversionCastOp::create(b, ptr, constant).getResult(0);
  auto number = [&](StringRef attribute) { return LLVM::ConstantOp::create(b, i64, b.getI64IntegerAttr(numberOf(kernel, attribute))); };
  LLVM::CallOp::create(b, emulate, ValueRange{body, run.getArgument(0), run.getArgument(1), run.getArgument(2),
                                             number(kThreadsAttr), number(kSharedAttr)});
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
  Type ptr = LLVM::LLVMPointerType::get(kernel.getContext());
  bool isBlock = kernel->hasAttr(kThreadsAttr);
  Wrapper w(kernel, kKernelRunSuffix, SmallVector<Type>(kernel.getNumArguments() - 1 - isBlock, ptr));
  for (size_t i = 0; i < w.buffers(); ++i)
    w.pass(w.argument(i));
  ImplicitLocOpBuilder &b = w.b;
  Value block = NVVM::BlockIdXOp::create(b, b.getI32Type());
  w.passTask(block);
  Value wide = LLVM::ZExtOp::create(b, b.getI64Type(), block);
  Value bytes = LLVM::ConstantOp::create(b, b.getI64Type(), b.getI64IntegerAttr(numberOf(kernel, kScratchAttr)));
  Value offset = LLVM::MulOp::create(b, wide, bytes);
  w.pass(LLVM::GEPOp::create(b, ptr, b.getI8Type(), w.argument(w.buffers()), ArrayRef<LLVM::GEPArg>{offset}));
  if (isBlock)
    w.pass(dynamicShared(b, kernel->getParentOfType<ModuleOp>()));
  w.run->setAttr(NVVM::NVVMDialect::getKernelFuncAttrName(), b.getUnitAttr());
  int32_t threads = isBlock ? int32_t(numberOf(kernel, kThreadsAttr)) : 1;
  w.run->setAttr(NVVM::NVVMDialect::getReqntidAttrName(), b.getDenseI32ArrayAttr({threads, 1, 1}));
  w.finish();
}
