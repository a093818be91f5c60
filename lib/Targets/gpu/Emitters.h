// Emitters of kernels for NVIDIA GPUs, by dispatch class; see emitGpuKernel.
#ifndef NANOCHAT_LIB_TARGETS_GPU_EMITTERS_H
#define NANOCHAT_LIB_TARGETS_GPU_EMITTERS_H

#include "lib/Targets/Target.h"

namespace mlir::nanochat {

/// Whether the tile that is asked for, if any, can be cut and fits; else an error at `loc`.
LogicalResult checkGemmTile(Location loc, const GpuFacts &facts);
/// The facts of the NVIDIA row of that name, with a tile for all matrix products where that is not empty; an error at `loc` if
/// there is no such row or tile.
std::optional<GpuFacts> findGpu(Location loc, StringRef name, StringRef gemmTile);
LogicalResult emitGpuAttention(func::FuncOp kernel, const GpuFacts &facts);
LogicalResult emitGpuEmbeddingGrad(func::FuncOp kernel, const GpuFacts &facts);
LogicalResult emitGpuGemm(func::FuncOp kernel, const GpuFacts &facts);
LogicalResult emitGpuRowwise(func::FuncOp kernel, const GpuFacts &facts); // also pointwise

} // namespace mlir::nanochat
#endif
