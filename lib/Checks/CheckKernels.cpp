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
    Location loc = getOperation().getLoc();
    facts = CpuFacts::of(targetBits, vnni, bf16);
    if (targetBits != 256 && targetBits != 512)
      return emitError(loc) << "target-bits = " << facts.vectorBits << ": expected 256 or 512";
    if (!(tolerance >= 0))
      return emitError(loc) << "tolerance = " << double(tolerance) << ": expected a number from zero";
    if (gpu.empty())
      return success();
    gpuFacts = findGpu(loc, gpu, gemmTile);
    return success(gpuFacts.has_value());
  }

  /// Does this machine run kernels of the facts? What LLVM would do about instructions it lacks is to end the process.
  bool runsHere() const {
    auto native = findTarget("native");
    return native && native->facts.vectorBits >= facts.vectorBits && native->facts.vnni >= facts.vnni && native->facts.bf16 >= facts.bf16;
  }

  LogicalResult emit(func::FuncOp kernel, bool isPlain) {
    if (isPlain)
      return emitPlain(kernel, facts);
    if (!gpuFacts && !runsHere())
      return kernel.emitError("this kernel takes vectors of ") << facts.vectorBits << " bits" << (vnni ? ", int8 dot products" : "") << (bf16 ? ", bf16 dot products" : "")
                                                   << ", which this machine does not have";
    if (!gpuFacts)
      return failed(emitKernel(kernel, facts)) ? kernel.emitError("the emitter of its class does not support this kernel") : success();
    bool isEmitted = succeeded(emitGpuKernel(kernel, *gpuFacts));
    plainKernels += !isEmitted;
    return isEmitted ? success() : emitPlain(kernel, facts);
  }

  LogicalResult check(func::FuncOp kernel) {
    OwningOpRef<ModuleOp> module(getOperation().clone());
    auto emitted = module->lookupSymbol<func::FuncOp>(kernel.getName());
    if (failed(emit(emitted, plain || getKernel(kernel).getKind() == DispatchClass::generic)))
      return failure();
    Filler filler(0);
    auto inputs = randomInputs(kernel, filler, extremes);
    if (failed(inputs))
      return failure();
    return checkKernel(kernel, emitted, *inputs, tolerance);
  }

  CpuFacts facts;
  std::optional<GpuFacts> gpuFacts; // where kernels are for one
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
    if (!gpu.empty())
      llvm::outs() << ", " << plainKernels << " of them as plain loops";
    llvm::outs() << "\n";
  }
};
} // namespace
