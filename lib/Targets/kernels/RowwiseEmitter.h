// Code of a planned rowwise kernel.
#ifndef NANOCHAT_LIB_TARGETS_KERNELS_ROWWISEEMITTER_H
#define NANOCHAT_LIB_TARGETS_KERNELS_ROWWISEEMITTER_H

#include "lib/Targets/kernels/RowwisePlan.h"
#include "lib/Targets/kernels/Team.h"

namespace mlir::nanochat {

/// Emits `kernel`, whose meaning is `body`, for a thread of such a team.
LogicalResult emitRowwise(func::FuncOp kernel, func::FuncOp body, const RowwisePlan &plan, TeamShape team);

} // namespace mlir::nanochat
#endif
