// What a compiled model will need, before it runs: --plan.
#pragma once

#include "mlir/IR/BuiltinOps.h"

namespace mlir::nanochat {

/// Prints the plan of a module after stage `emit`: sizes, parameters, work per token, bytes per arena,
/// every buffer of the workspace, scratch and the floor of every dispatch. `unfiltered` is the work of a token without
/// the filter of its objective, where it has one. On failure an error was emitted.
LogicalResult printPlan(ModuleOp emitted, int64_t unfiltered, bool json, llvm::raw_ostream &os);

} // namespace mlir::nanochat
