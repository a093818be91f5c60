#pragma once
#include "dialect/Pch.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Pass/Pass.h"

namespace mlir::nanochat {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "lib/Autodiff/Passes.h.inc"
} // namespace mlir::nanochat
