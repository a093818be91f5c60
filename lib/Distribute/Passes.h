#pragma once
#include "dialect/Pch.h"
#include "mlir/Pass/Pass.h"

namespace mlir::nanochat {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "lib/Distribute/Passes.h.inc"
} // namespace mlir::nanochat
