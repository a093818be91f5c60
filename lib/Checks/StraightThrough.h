// Functions with quantisers, made fit for differences: see StraightThroughOpInterface.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::nanochat {

/// Does `func` quantise?
bool quantises(func::FuncOp func);

/// Rewrites f(args...) -> (results...) to (args...) -> (Q(z) − z of every quantiser, in program order,
/// stacked over the loops around it).
void rewriteToOffsets(func::FuncOp func);

/// Rewrites f(args...) -> (results...) to (args..., offsets...) -> (results...) with every quantiser
/// replaced by its frozen surrogate. On failure an error was emitted at the op that reads codes in
/// a way that has no surrogate.
LogicalResult freezeQuantisers(func::FuncOp func);

} // namespace mlir::nanochat
