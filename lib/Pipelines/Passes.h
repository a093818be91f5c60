#pragma once
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace mlir::nanochat {
/// Between what a size is set to and where that is said, in options of --nanochat-set-sizes.
inline constexpr const char *kPlace = " of ";
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "lib/Pipelines/Passes.h.inc"
} // namespace mlir::nanochat
