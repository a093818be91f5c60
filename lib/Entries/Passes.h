#ifndef NANOCHAT_LIB_ENTRIES_PASSES_H
#define NANOCHAT_LIB_ENTRIES_PASSES_H
#include "dialect/Pch.h"

namespace mlir::nanochat {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "lib/Entries/Passes.h.inc"
} // namespace mlir::nanochat
#endif
