#include "lib/Execution/Reference.h"
#include "dialect/Nanochat.h"
#include "lib/Execution/Passes.h"
#include "lib/Lowering/Passes.h"
#include "lib/Targets/Target.h"
#include "lib/Targets/ToLLVM.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::nanochat;

void mlir::nanochat::registerExecutionDialects(DialectRegistry &registry) {
  registry.insert<affine::AffineDialect, arith::ArithDialect, bufferization::BufferizationDialect,
                  cf::ControlFlowDialect, func::FuncDialect, linalg::LinalgDialect,
                  LLVM::LLVMDialect, math::MathDialect, memref::MemRefDialect, scf::SCFDialect,
                  tensor::TensorDialect, ub::UBDialect, vector::VectorDialect, NanochatDialect>();
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
}

void mlir::nanochat::addReferenceLoopPasses(OpPassManager &pm) {
  pm.addPass(createSymbolDCEPass());
  pm.addPass(createDecomposePass());
  pm.addPass(createInlinerPass());
  pm.addPass(createSymbolDCEPass());
  pm.addNestedPass<func::FuncOp>(createConvertElementwiseToLinalgPass());
  pm.addPass(createBufferizePass());
  pm.addNestedPass<func::FuncOp>(createConvertLinalgToLoopsPass());
}

void mlir::nanochat::addReferencePasses(OpPassManager &pm) {
  addReferenceLoopPasses(pm);
  addKernelToLLVMPasses(pm);
}

LogicalResult mlir::nanochat::emitPlain(func::FuncOp kernel, const CpuFacts &) {
  auto run = [&](std::unique_ptr<Pass> pass) {
    PassManager pm(kernel.getContext(), func::FuncOp::getOperationName());
    pm.addPass(std::move(pass));
    return pm.run(kernel);
  };
  if (failed(decomposeAll(kernel)) || failed(run(createConvertElementwiseToLinalgPass())) ||
      failed(bufferizeFunction(kernel)) || failed(run(createConvertLinalgToLoopsPass())))
    return failure();
  Builder b(kernel.getContext());
  Type bytes = MemRefType::get({1}, b.getI8Type());
  for (Type type : {Type(b.getIndexType()), bytes})
    if (failed(kernel.insertArgument(kernel.getNumArguments(), type, {}, kernel.getLoc())))
      return failure();
  kernel->setAttr(kTasksAttr, b.getI64IntegerAttr(1));
  kernel->setAttr(kScratchAttr, b.getI64IntegerAttr(0));
  return success();
}
