#ifndef NANOCHAT_LIB_MEMORY_PASSES_H
#define NANOCHAT_LIB_MEMORY_PASSES_H
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Pass/Pass.h"

namespace mlir::nanochat {
/// On the module: ArrayAttr of bound tensors, each a dictionary {kind, name, role, init, scale, type, offset}.
inline constexpr StringLiteral kTensorsAttr = "nanochat.tensors";
/// On the module: DenseI64Array, bytes per arena.
inline constexpr StringLiteral kArenaBytesAttr = "nanochat.arena_bytes";
/// On the module: the temporary buffers of all entries, largest first; for readers of the plan.
inline constexpr StringLiteral kWorkspaceAttr = "nanochat.workspace";

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "lib/Memory/Passes.h.inc"
} // namespace mlir::nanochat
#endif
