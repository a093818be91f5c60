#include "lib/Targets/kernels/AttentionGrad.h"

using namespace mlir;
using namespace mlir::nanochat;

void nanochat::emitAttentionGrad(func::FuncOp kernel, AttentionGradOp op, const CpuFacts &facts) {
  Backward<AttentionGradOp>(kernel, op, op.getSeq(), facts).emit();
}
