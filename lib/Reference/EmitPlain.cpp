#include "lib/Reference/Passes.h"
#include "lib/Targets/Target.h"
#include "lib/Targets/kernels/Kernel.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_EMITPLAINPASS
#include "lib/Reference/Passes.h.inc"

namespace {
struct EmitPlainPass : impl::EmitPlainPassBase<EmitPlainPass> {
  void runOnOperation() override {
    // A GPU has no library of mathematics; a module for no row in particular is for a CPU.
    bool ownMath = false;
    if (getOperation()->hasAttr(kTargetAttr)) {
      FailureOr<Target> row = targetOf(getOperation());
      if (failed(row))
        return signalPassFailure();
      ownMath = row->gpu.has_value();
    }
    for (auto kernel : llvm::to_vector(getOperation().getOps<func::FuncOp>())) {
      if (!kernel->hasAttr(kClassAttr) || kernel->hasAttr(kTasksAttr))
        continue;
      if (succeeded(emitPlain(kernel)) && (!ownMath || succeeded(expandMath(kernel))))
        continue;
      kernel.emitError("kernel has no lowering");
      return signalPassFailure();
    }
  }
};
} // namespace
} // namespace mlir::nanochat
