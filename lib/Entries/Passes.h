#ifndef NANOCHAT_LIB_ENTRIES_PASSES_H
#define NANOCHAT_LIB_ENTRIES_PASSES_H
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Pass/Pass.h"

namespace mlir::nanochat {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "lib/Entries/Passes.h.inc"
} // namespace mlir::nanochat
#endif
