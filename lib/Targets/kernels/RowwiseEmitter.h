// Code of a planned rowwise kernel.
#pragma once

#include "lib/Targets/kernels/RowwisePlan.h"
#include "lib/Targets/kernels/Team.h"

namespace mlir::nanochat {

/// Plans a kernel and emits it for a thread of the team that `arrange` chooses, which may change how much of the plan a
/// task is.
LogicalResult emitRowwise(func::FuncOp kernel, llvm::function_ref<TeamShape(RowwisePlan &)> arrange);

} // namespace mlir::nanochat
