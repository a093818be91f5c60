#pragma once
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Pass/Pass.h"

namespace mlir::nanochat {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "lib/Program/Passes.h.inc"
} // namespace mlir::nanochat
