// Emitters of kernels for NVIDIA GPUs, by dispatch class; see EmitKernel.
#pragma once

#include "lib/Targets/Target.h"

namespace mlir::nanochat {

/// Whether the tile of matrix products that the target asks for (the fact `gemm_tile`), if any, can be cut and fits;
/// else an error at `loc`.
LogicalResult checkGemmTile(Location loc, const Target &target);
LogicalResult emitGpuAttention(func::FuncOp kernel, const Target &target);
LogicalResult emitGpuEmbeddingGrad(func::FuncOp kernel, const Target &target);
LogicalResult emitGpuFp4(func::FuncOp kernel, const Target &target); // transforms, quantisers and packing
LogicalResult emitGpuGemm(func::FuncOp kernel, const Target &target);
LogicalResult emitGpuRowwise(func::FuncOp kernel, const Target &target); // also pointwise

} // namespace mlir::nanochat
