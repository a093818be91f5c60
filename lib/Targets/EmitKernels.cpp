#include "lib/Targets/Passes.h"
#include "lib/Targets/Target.h"
#include "lib/Targets/ToLLVM.h"
#include "lib/Targets/gpu/Emitters.h"
#include "mlir/Pass/PassRegistry.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_EMITKERNELSPASS
#include "lib/Targets/Passes.h.inc"
} // namespace mlir::nanochat

using namespace mlir;
using namespace mlir::nanochat;

LogicalResult nanochat::emitKernel(func::FuncOp kernel, const CpuFacts &facts) {
  auto first = [&](ArrayRef<EmitKernel> emitters) {
    bool isEmitted = llvm::any_of(emitters, [&](EmitKernel emit) { return succeeded(emit(kernel, facts)); });
    return success(isEmitted && (!facts.bf16 || succeeded(roundNatively(kernel, facts))));
  };
  switch (getKernel(kernel).getKind()) {
  case DispatchClass::gemm:
    return first({emitGemm});
  case DispatchClass::attention:
    return first({emitAttention});
  case DispatchClass::rowwise:
  case DispatchClass::pointwise:
    return first({emitPackPanels, emitEmbeddingGrad, emitRowwise});
  case DispatchClass::generic:
    return failure();
  }
  llvm_unreachable("not a dispatch class");
}

std::optional<GpuFacts> nanochat::findGpu(Location loc, StringRef name, StringRef gemmTile) {
  std::optional<Target> row = findTarget(name);
  if (!row || !row->gpu) {
    emitError(loc) << "'" << name << "' is no NVIDIA target; targets are " << listTargets();
    return std::nullopt;
  }
  row->gpu->gemmTile = gemmTile;
  return succeeded(checkGemmTile(loc, *row->gpu)) ? row->gpu : std::nullopt;
}

namespace {
struct EmitKernels : nanochat::impl::EmitKernelsPassBase<EmitKernels> {
  using EmitKernelsPassBase::EmitKernelsPassBase;

  void runOnOperation() override {
    if (!gpu.empty())
      return emitForGpu();
    for (auto kernel : llvm::to_vector(getOperation().getOps<func::FuncOp>()))
      if (getKernel(kernel))
        (void)emitKernel(kernel, CpuFacts::of(targetBits, vnni, bf16));
  }

  void emitForGpu() {
    auto kernels = llvm::to_vector(getOperation().getOps<func::FuncOp>());
    auto product = llvm::find_if(kernels, [](func::FuncOp kernel) { return getKernel(kernel) && getKernel(kernel).getKind() == DispatchClass::gemm; });
    Location loc = product == kernels.end() ? getOperation().getLoc() : product->getLoc();
    std::optional<GpuFacts> facts = findGpu(loc, gpu, gemmTile);
    if (!facts)
      return signalPassFailure();
    for (func::FuncOp kernel : kernels)
      if (getKernel(kernel))
        (void)emitGpuKernel(kernel, *facts);
  }
};

/// The lowering that all users of emitted kernels share, by name for tests.
PassPipelineRegistration<> kernelToLLVM("nanochat-kernels-to-llvm",
                                        "Loops on buffers to the LLVM dialect",
                                        [](OpPassManager &pm) { nanochat::addKernelToLLVMPasses(pm); });
} // namespace
