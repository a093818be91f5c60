#ifndef NANOCHAT_LIB_EXECUTION_PASSES_H
#define NANOCHAT_LIB_EXECUTION_PASSES_H
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Pass/Pass.h"

namespace mlir::nanochat {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "lib/Execution/Passes.h.inc"

/// --nanochat-bufferize of one function; constants become globals beside it.
LogicalResult bufferizeFunction(func::FuncOp func);

} // namespace mlir::nanochat
#endif
