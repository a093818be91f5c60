#include "lib/Execution/KernelCheck.h"
#include "lib/Execution/Passes.h"
#include "lib/Execution/Reference.h"
#include "lib/Targets/Target.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_CHECKKERNELSPASS
#include "lib/Execution/Passes.h.inc"
} // namespace mlir::nanochat

using namespace mlir;
using namespace mlir::nanochat;

namespace {
struct CheckKernelsPass : mlir::nanochat::impl::CheckKernelsPassBase<CheckKernelsPass> {
  using CheckKernelsPassBase::CheckKernelsPassBase;

  void getDependentDialects(DialectRegistry &registry) const override { registerExecutionDialects(registry); }

  LogicalResult emit(func::FuncOp kernel, bool isPlain) {
    CpuFacts facts = CpuFacts::of(targetBits, vnni, bf16);
    if (isPlain)
      return emitPlain(kernel, facts);
    std::optional<Target> row = findTarget(gpu);
    if (!row || !row->gpu)
      return emitKernel(kernel, facts);
    row->gpu->gemmTile = gemmTile;
    bool isEmitted = succeeded(emitGpuKernel(kernel, *row->gpu));
    plainKernels += !isEmitted;
    return isEmitted ? success() : emitPlain(kernel, facts);
  }

  LogicalResult check(func::FuncOp kernel) {
    StringRef kind = kernel->getAttrOfType<StringAttr>(kClassAttr).getValue();
    OwningOpRef<ModuleOp> module(getOperation().clone());
    auto emitted = module->lookupSymbol<func::FuncOp>(kernel.getName());
    if (failed(emit(emitted, plain || kind == "generic")))
      return kernel.emitError("the emitter of class '") << kind << "' does not support this kernel";
    Filler filler(0);
    auto inputs = randomInputs(kernel, filler, extremes);
    if (failed(inputs))
      return failure();
    return checkKernel(kernel, emitted, *inputs, tolerance);
  }

  unsigned plainKernels = 0; // that a GPU has no emitter for

  void runOnOperation() override {
    unsigned count = 0;
    for (auto func : getOperation().getOps<func::FuncOp>())
      if (func->getAttrOfType<StringAttr>(kClassAttr)) {
        ++count;
        if (failed(check(func)))
          signalPassFailure();
      }
    if (!summary)
      return;
    llvm::outs() << count << " kernels";
    if (!gpu.empty())
      llvm::outs() << ", " << plainKernels << " of them as plain loops";
    llvm::outs() << "\n";
  }
};
} // namespace
