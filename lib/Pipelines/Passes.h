#ifndef NANOCHAT_LIB_PIPELINES_PASSES_H
#define NANOCHAT_LIB_PIPELINES_PASSES_H
#include "mlir/Pass/Pass.h"
#include "mlir/IR/BuiltinOps.h"

namespace mlir::nanochat {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "lib/Pipelines/Passes.h.inc"
} // namespace mlir::nanochat
#endif
