#ifndef NANOCHAT_LIB_LOWERING_PASSES_H
#define NANOCHAT_LIB_LOWERING_PASSES_H
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Pass/Pass.h"

namespace mlir::nanochat {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "lib/Lowering/Passes.h.inc"

/// Replaces all of our compute ops in `root` by their decompositions. On failure an error was emitted
/// at the op that has none.
LogicalResult decomposeAll(Operation *root);

/// Rewrites all f32 in `root` to f64: types, attributes, constants.
void widenFloats(Operation *root);

/// Adds up floats along the last dimension in the order that emitted kernels have.
void sumInLanes(Operation *root);

} // namespace mlir::nanochat
#endif
