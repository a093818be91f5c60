#ifndef NANOCHAT_LIB_FUSION_PASSES_H
#define NANOCHAT_LIB_FUSION_PASSES_H
#include "dialect/Pch.h"
#include "mlir/Dialect/Math/IR/Math.h"

namespace mlir::nanochat {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "lib/Fusion/Passes.h.inc"
} // namespace mlir::nanochat
#endif
