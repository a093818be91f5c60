#include "lib/Targets/gpu/Emitters.h"

using namespace mlir;
using namespace mlir::nanochat;

LogicalResult nanochat::emitGpuKernel(func::FuncOp kernel, const GpuFacts &facts) {
  switch (getKernel(kernel).getKind()) {
  case DispatchClass::rowwise:
  case DispatchClass::pointwise:
    return success(succeeded(emitGpuEmbeddingGrad(kernel, facts)) || succeeded(emitGpuRowwise(kernel, facts)));
  case DispatchClass::gemm:
    return emitGpuGemm(kernel, facts);
  case DispatchClass::attention:
    return emitGpuAttention(kernel, facts);
  case DispatchClass::generic:
    return failure();
  }
  llvm_unreachable("not a dispatch class");
}
