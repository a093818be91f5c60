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

namespace {
/// What makes kernels of a class: the first that supports one.
struct Emitters {
  StringLiteral kind;
  std::array<EmitKernel, 3> emitters; // or fewer
};
} // namespace

static ArrayRef<Emitters> emittersOf(const Target &row) {
  static constexpr Emitters cpu[] = {{"gemm", {emitGemm}},
                                     {"attention", {emitAttention}},
                                     {"rowwise", {emitPackPanels, emitEmbeddingGrad, emitRowwise}},
                                     {"pointwise", {emitPackPanels, emitEmbeddingGrad, emitRowwise}}};
  static constexpr Emitters gpu[] = {{"gemm", {emitGpuGemm}},
                                     {"attention", {emitGpuAttention}},
                                     {"rowwise", {emitGpuEmbeddingGrad, emitGpuRowwise}},
                                     {"pointwise", {emitGpuEmbeddingGrad, emitGpuRowwise}}};
  return row.plain ? ArrayRef<Emitters>() : row.gpu ? ArrayRef(gpu) : ArrayRef(cpu);
}

LogicalResult nanochat::emitKernel(func::FuncOp kernel, const Target &row) {
  StringRef kind = kernel->getAttrOfType<StringAttr>(kClassAttr).getValue();
  auto own = llvm::find_if(emittersOf(row), [&](const Emitters &each) { return each.kind == kind; });
  if (own == emittersOf(row).end())
    return failure();
  bool isEmitted = llvm::any_of(own->emitters, [&](EmitKernel emit) { return emit && succeeded(emit(kernel, row)); });
  return success(isEmitted && (!row.facts.bf16 || succeeded(roundNatively(kernel, row.facts))));
}

namespace {
struct EmitKernels : nanochat::impl::EmitKernelsPassBase<EmitKernels> {
  using EmitKernelsPassBase::EmitKernelsPassBase;

  void runOnOperation() override {
    FailureOr<Target> row = targetOf(getOperation(), target);
    if (failed(row))
      return signalPassFailure();
    auto kernels = llvm::to_vector(getOperation().getOps<func::FuncOp>());
    auto product = llvm::find_if(kernels, [](func::FuncOp kernel) { return kernel->getAttr(kClassAttr) == StringAttr::get(kernel.getContext(), "gemm"); });
    if (failed(checkGemmTile(product == kernels.end() ? getOperation().getLoc() : product->getLoc(), *row)))
      return signalPassFailure();
    for (func::FuncOp kernel : kernels)
      if (kernel->hasAttr(kClassAttr))
        (void)emitKernel(kernel, *row);
  }
};

/// The lowering that all users of emitted kernels share, by name for tests.
PassPipelineRegistration<> kernelToLLVM("nanochat-kernels-to-llvm",
                                        "Loops on buffers to the LLVM dialect",
                                        [](OpPassManager &pm) { nanochat::addKernelToLLVMPasses(pm); });
} // namespace
