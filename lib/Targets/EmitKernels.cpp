#include "lib/Targets/Passes.h"
#include "lib/Targets/Target.h"
#include "lib/Targets/ToLLVM.h"
#include "lib/Targets/gpu/Emitters.h"
#include "mlir/IR/Remarks.h"
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
  DispatchClass kind;
  std::array<EmitKernel, 3> emitters; // or fewer
};
} // namespace

static ArrayRef<Emitters> emittersOf(const Target &row) {
  static constexpr Emitters cpu[] = {{DispatchClass::gemm, {emitGemm}},
                                     {DispatchClass::attention, {emitAttention}},
                                     {DispatchClass::rowwise, {emitPackPanels, emitEmbeddingGrad, emitRowwise}},
                                     {DispatchClass::pointwise, {emitPackPanels, emitEmbeddingGrad, emitRowwise}}};
  static constexpr Emitters gpu[] = {{DispatchClass::gemm, {emitGpuGemm}},
                                     {DispatchClass::attention, {emitGpuAttention}},
                                     {DispatchClass::rowwise, {emitGpuEmbeddingGrad, emitGpuRowwise}},
                                     {DispatchClass::pointwise, {emitGpuEmbeddingGrad, emitGpuRowwise}}};
  return row.gpu ? ArrayRef(gpu) : ArrayRef(cpu);
}

LogicalResult nanochat::decline(func::FuncOp kernel, const Twine &why) {
  kernel->setAttr(kDeclinedAttr, StringAttr::get(kernel.getContext(), why));
  return failure();
}

LogicalResult nanochat::emitKernel(func::FuncOp kernel, const Target &row) {
  if (row.plain)
    return failure();
  DispatchClass kind = getKernel(kernel).getKind();
  auto own = llvm::find_if(emittersOf(row), [&](const Emitters &each) { return each.kind == kind; });
  auto emit = [&](EmitKernel emitter) { return emitter && succeeded(emitter(kernel, row)); };
  if (own == emittersOf(row).end()) {
    (void)decline(kernel, "no emitter is for its class, " + stringifyDispatchClass(kind));
  } else if (llvm::any_of(own->emitters, emit)) {
    kernel->removeAttr(kDeclinedAttr);
    return row.facts.bf16 ? roundNatively(kernel, row.facts) : success();
  }
  if (auto why = kernel->getAttrOfType<StringAttr>(kDeclinedAttr))
    remark::missed(kernel.getLoc(), remark::RemarkOpts::name("plain").category("emit"))
        << remark::reason("kernel @{0} is plain loops: {1}", kernel.getName().str(), why.getValue().str());
  return failure();
}

namespace {
struct EmitKernels : nanochat::impl::EmitKernelsPassBase<EmitKernels> {
  using EmitKernelsPassBase::EmitKernelsPassBase;

  void runOnOperation() override {
    FailureOr<Target> row = targetOf(getOperation(), target);
    if (failed(row))
      return signalPassFailure();
    auto kernels = llvm::to_vector(getOperation().getOps<func::FuncOp>());
    llvm::erase_if(kernels, [](func::FuncOp func) { return !getKernel(func); });
    auto product =
        llvm::find_if(kernels, [](func::FuncOp kernel) { return getKernel(kernel).getKind() == DispatchClass::gemm; });
    if (failed(checkGemmTile(product == kernels.end() ? getOperation().getLoc() : product->getLoc(), *row)))
      return signalPassFailure();
    for (func::FuncOp kernel : kernels)
      (void)emitKernel(kernel, *row);
  }
};

/// The lowering that all users of emitted kernels share, by name for tests.
PassPipelineRegistration<> kernelToLLVM("nanochat-kernels-to-llvm", "Loops on buffers to the LLVM dialect",
                                        [](OpPassManager &pm) { nanochat::addKernelToLLVMPasses(pm); });
} // namespace
