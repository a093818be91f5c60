// What every tool reads and runs: MLIR's dialects and passes, and ours.
#ifndef NANOCHAT_TOOLS_REGISTRATION_H
#define NANOCHAT_TOOLS_REGISTRATION_H

#include "mlir/IR/DialectRegistry.h"

namespace mlir::nanochat {

/// Dialects with their extensions and external models into `registry`; passes for pipelines given
/// as text.
void registerDialectsAndPasses(DialectRegistry &registry);

} // namespace mlir::nanochat
#endif
