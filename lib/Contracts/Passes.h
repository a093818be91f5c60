#ifndef NANOCHAT_LIB_CONTRACTS_PASSES_H
#define NANOCHAT_LIB_CONTRACTS_PASSES_H

#include "dialect/Nanochat.h"
#include "mlir/Pass/Pass.h"

namespace mlir::nanochat {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "lib/Contracts/Passes.h.inc"
} // namespace mlir::nanochat

#endif
