#include "lib/Reference/Reference.h"
#include "dialect/Nanochat.h"
#include "lib/Reference/Passes.h"
#include "lib/Targets/Target.h"
#include "lib/Targets/ToLLVM.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::nanochat;

void mlir::nanochat::registerExecutionDialects(DialectRegistry &registry) {
  registry.insert<affine::AffineDialect, arith::ArithDialect, bufferization::BufferizationDialect,
                  cf::ControlFlowDialect, func::FuncDialect, linalg::LinalgDialect, LLVM::LLVMDialect,
                  math::MathDialect, memref::MemRefDialect, NVVM::NVVMDialect, scf::SCFDialect, tensor::TensorDialect,
                  ub::UBDialect, vector::VectorDialect, NanochatDialect>();
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registerNVVMDialectTranslation(registry);
}

void mlir::nanochat::addReferenceLoopPasses(OpPassManager &pm) {
  pm.addPass(createSymbolDCEPass());
  pm.addPass(createDecomposePass());
  pm.addPass(createInlinerPass());
  pm.addPass(createSymbolDCEPass());
  pm.addNestedPass<func::FuncOp>(createConvertElementwiseToLinalgPass());
  pm.addPass(createLaneSumsPass());
  pm.addPass(createBufferizePass());
  pm.addNestedPass<func::FuncOp>(createConvertLinalgToLoopsPass());
}

void mlir::nanochat::addReferencePasses(OpPassManager &pm) {
  addReferenceLoopPasses(pm);
  addKernelToLLVMPasses(pm);
}

/// Temporaries live in the scratch, whose size is returned.
static int64_t placeTemporaries(func::FuncOp kernel) {
  SmallVector<memref::AllocOp> temporaries;
  kernel.walk([&](memref::AllocOp op) { temporaries.push_back(op); });
  kernel.walk([](memref::DeallocOp op) { op.erase(); });
  BlockArgument scratch = kernel.getArguments().back();
  OpBuilder b(kernel.getBody());
  int64_t bytes = 0;
  for (memref::AllocOp op : temporaries) {
    MemRefType type = op.getType();
    if (!op.use_empty()) {
      Value offset = arith::ConstantIndexOp::create(b, op.getLoc(), bytes);
      op.getResult().replaceAllUsesWith(memref::ViewOp::create(b, op.getLoc(), type, scratch, offset, ValueRange()));
      bytes += llvm::alignTo(type.getNumElements() * ((type.getElementTypeBitWidth() + 7) / 8), 64);
    }
    op.erase();
  }
  scratch.setType(MemRefType::get({std::max<int64_t>(bytes, 1)}, b.getI8Type()));
  return bytes;
}

LogicalResult mlir::nanochat::emitPlain(func::FuncOp kernel) {
  int64_t results = kernel.getNumResults();
  auto run = [&](std::unique_ptr<Pass> pass) {
    PassManager pm(kernel.getContext(), func::FuncOp::getOperationName());
    pm.addPass(std::move(pass));
    return pm.run(kernel);
  };
  if (failed(decomposeAll(kernel)) || failed(run(createConvertElementwiseToLinalgPass())))
    return failure();
  sumInLanes(kernel);
  if (failed(bufferizeFunction(kernel)) || failed(run(createConvertLinalgToLoopsPass())))
    return failure();
  Builder b(kernel.getContext());
  Type bytes = MemRefType::get({1}, b.getI8Type());
  for (Type type : {Type(b.getIndexType()), bytes})
    if (failed(kernel.insertArgument(kernel.getNumArguments(), type, {}, kernel.getLoc())))
      return failure();
  int64_t scratch = placeTemporaries(kernel);
  kernel.setFunctionType(b.getFunctionType(kernel.getBody().getArgumentTypes(), {}));
  setKernel(kernel, getKernel(kernel).emitted(results, 1, scratch));
  return success();
}
