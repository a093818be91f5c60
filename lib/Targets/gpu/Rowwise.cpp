// Rowwise and pointwise kernels: accesses of 16 bytes of f32 per thread.
#include "lib/Targets/gpu/Emitters.h"
#include "lib/Targets/kernels/RowwiseEmitter.h"

using namespace mlir;
using namespace mlir::nanochat;

static constexpr int64_t kWidth = 4;

/// How a block is arranged, which sets how much of the plan is a task.
static TeamShape arrange(RowwisePlan &plan) {
  if (plan.split == Split::rows) {
    bool sumsLanes = llvm::any_of(plan.groups, [](const Group &group) {
      linalg::GenericOp op = reductionOf(group.roots[0]);
      return op && op.getIteratorTypesArray().back() == utils::IteratorType::reduction;
    });
    // A warp takes a row where no sum of its elements has an order to keep.
    TeamShape rows = sumsLanes ? TeamShape{kWidth, kSumLanes / kWidth, 32} : TeamShape{kWidth, 32, 8};
    rows.stayTogether = plan.rows % rows.down == 0;
    plan.perTask = rows.down;
    return rows;
  }
  bool reduces = llvm::any_of(plan.groups, [](const Group &group) { return reductionOf(group.roots[0]) != nullptr; });
  plan.unroll = 1;
  // Rows are shared out among threads where sums run over them.
  TeamShape columns = reduces ? TeamShape{kWidth, 8, 32} : TeamShape{kWidth, 256, 1};
  plan.perTask = columns.span();
  return columns;
}

LogicalResult nanochat::emitGpuRowwise(func::FuncOp kernel, const Target &) { return emitRowwise(kernel, arrange); }
