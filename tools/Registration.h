// What every tool reads and runs: MLIR's dialects and passes, and ours.
#pragma once

#include "mlir/IR/DialectRegistry.h"

namespace mlir::nanochat {

/// Dialects with their extensions and external models into `registry`; passes for pipelines given
/// as text.
void registerDialectsAndPasses(DialectRegistry &registry);

} // namespace mlir::nanochat
