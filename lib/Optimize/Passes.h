#ifndef NANOCHAT_LIB_OPTIMIZE_PASSES_H
#define NANOCHAT_LIB_OPTIMIZE_PASSES_H
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace mlir::nanochat {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "lib/Optimize/Passes.h.inc"
} // namespace mlir::nanochat
#endif
