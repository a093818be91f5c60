#include "lib/Checks/KernelCheck.h"
#include "lib/Checks/Passes.h"
#include "lib/Reference/Reference.h"
#include "lib/Targets/Target.h"
#include "lib/Targets/gpu/Emitters.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_CHECKKERNELSPASS
#include "lib/Checks/Passes.h.inc"
} // namespace mlir::nanochat

using namespace mlir;
using namespace mlir::nanochat;

namespace {
struct CheckKernelsPass : mlir::nanochat::impl::CheckKernelsPassBase<CheckKernelsPass> {
  using CheckKernelsPassBase::CheckKernelsPassBase;

  void getDependentDialects(DialectRegistry &registry) const override { registerExecutionDialects(registry); }

  /// Takes the options apart; an error at the module says which is wrong.
  LogicalResult readOptions() {
    FailureOr<Target> chosen = targetOf(getOperation(), target);
    if (failed(chosen))
      return failure();
    row = *chosen;
    if (!(tolerance >= 0))
      return getOperation().emitError("tolerance = ") << double(tolerance) << ": expected a number from zero";
    return checkGemmTile(getOperation().getLoc(), row);
  }

  /// What kernels of the row take that this machine lacks. What LLVM would do about that is to end the process.
  SmallVector<StringRef> missingInstructions() const {
    SmallVector<StringRef> missing = row.kernelInstructions();
    if (auto native = findTarget("native"))
      llvm::erase_if(missing, [own = native->instructions()](StringRef set) { return llvm::is_contained(own, set); });
    return missing;
  }

  LogicalResult emit(func::FuncOp kernel) {
    if (row.plain || getKernel(kernel).getKind() == DispatchClass::generic)
      return emitPlain(kernel);
    if (auto missing = missingInstructions(); !missing.empty())
      return kernel.emitError("kernels of this target take ")
             << llvm::join(missing, ", ") << ", which this machine lacks";
    if (succeeded(emitKernel(kernel, row)))
      return success();
    if (!row.gpu)
      return kernel.emitError("the emitter of its class does not support this kernel");
    ++plainKernels;
    return emitPlain(kernel);
  }

  LogicalResult check(func::FuncOp kernel) {
    OwningOpRef<ModuleOp> module(getOperation().clone());
    auto emitted = module->lookupSymbol<func::FuncOp>(kernel.getName());
    if (failed(emit(emitted)))
      return failure();
    Filler filler(0);
    auto inputs = randomInputs(kernel, filler, extremes);
    if (failed(inputs))
      return failure();
    return checkKernel(kernel, emitted, *inputs, tolerance);
  }

  Target row;
  unsigned plainKernels = 0; // that a GPU has no emitter for

  void runOnOperation() override {
    if (failed(readOptions()))
      return signalPassFailure();
    unsigned count = 0;
    for (auto func : getOperation().getOps<func::FuncOp>())
      if (getKernel(func)) {
        ++count;
        if (failed(check(func)))
          signalPassFailure();
      }
    if (!summary)
      return;
    llvm::outs() << count << " kernels";
    if (row.gpu)
      llvm::outs() << ", " << plainKernels << " of them as plain loops";
    llvm::outs() << "\n";
  }
};
} // namespace
