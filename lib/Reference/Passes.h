#pragma once
#include "dialect/Pch.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Pass/Pass.h"

namespace mlir::nanochat {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "lib/Reference/Passes.h.inc"

/// Replaces all of our compute ops in `root` by their decompositions. On failure an error was emitted
/// at the op that has none.
LogicalResult decomposeAll(Operation *root);

/// Rewrites all f32 in `root` to f64: types, attributes, constants.
void widenFloats(Operation *root);

/// Adds up floats along the last dimension in the order that emitted kernels have.
void sumInLanes(Operation *root);

/// --nanochat-bufferize of one function; constants become globals beside it.
LogicalResult bufferizeFunction(func::FuncOp func);

} // namespace mlir::nanochat
