#include "lib/Targets/gpu/Emitters.h"

using namespace mlir;
using namespace mlir::nanochat;

LogicalResult nanochat::emitGpuKernel(func::FuncOp kernel, const GpuFacts &facts) {
  StringRef kind = kernel->getAttrOfType<StringAttr>(kClassAttr).getValue();
  if (kind == "rowwise" || kind == "pointwise")
    return success(succeeded(emitGpuEmbeddingGrad(kernel, facts)) || succeeded(emitGpuRowwise(kernel, facts)));
  if (kind == "gemm")
    return emitGpuGemm(kernel, facts);
  if (kind == "attention")
    return emitGpuAttention(kernel, facts);
  return failure();
}
