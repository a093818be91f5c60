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
/// What makes kernels of some classes: the first that supports one.
struct Emitters {
  unsigned classes;                   // bits of DispatchClass
  std::array<EmitKernel, 5> emitters; // or fewer
};
} // namespace

static constexpr unsigned bit(DispatchClass kind) { return 1u << unsigned(kind); }

static ArrayRef<Emitters> emittersOf(const Target &target) {
  static constexpr unsigned rows = bit(DispatchClass::rowwise) | bit(DispatchClass::pointwise);
  static constexpr Emitters cpu[] = {
      {bit(DispatchClass::gemm), {emitGemm}},
      {bit(DispatchClass::attention), {emitAttention}},
      {rows, {emitPackPanels, emitEmbeddingGrad, emitFp4, emitQuantizeStochastic, emitRowwise}}};
  static constexpr Emitters gpu[] = {{bit(DispatchClass::gemm), {emitGpuGemm}},
                                     {bit(DispatchClass::attention), {emitGpuAttention}},
                                     {rows, {emitGpuEmbeddingGrad, emitGpuFp4, emitGpuRowwise}}};
  return target.gpu ? ArrayRef(gpu) : ArrayRef(cpu);
}

LogicalResult nanochat::decline(func::FuncOp kernel, const Twine &why) {
  kernel->setAttr(kDeclinedAttr, StringAttr::get(kernel.getContext(), why));
  return failure();
}

LogicalResult nanochat::emitKernel(func::FuncOp kernel, const Target &target) {
  if (target.plain)
    return failure();
  DispatchClass kind = getKernel(kernel).getKind();
  auto own = llvm::find_if(emittersOf(target), [&](const Emitters &each) { return each.classes & bit(kind); });
  auto emit = [&](EmitKernel emitter) { return emitter && succeeded(emitter(kernel, target)); };
  if (own == emittersOf(target).end()) {
    (void)decline(kernel, "no emitter is for its class, " + stringifyDispatchClass(kind));
  } else if (llvm::any_of(own->emitters, emit)) {
    kernel->removeAttr(kDeclinedAttr);
    return target.facts.bf16 ? roundNatively(kernel, target.facts) : success();
  }
  if (auto why = kernel->getAttrOfType<StringAttr>(kDeclinedAttr))
    remark::missed(kernel.getLoc(), remark::RemarkOpts::name("plain").category("emit"))
        << remark::reason("kernel @{0} is plain loops: {1}", kernel.getName().str(), why.getValue().str());
  return failure();
}

namespace {
struct EmitKernels : nanochat::impl::EmitKernelsPassBase<EmitKernels> {
  void runOnOperation() override {
    FailureOr<Target> target = targetOf(getOperation());
    if (failed(target))
      return signalPassFailure();
    auto kernels = llvm::to_vector(getOperation().getOps<func::FuncOp>());
    llvm::erase_if(kernels, [](func::FuncOp func) { return !getKernel(func); });
    auto product =
        llvm::find_if(kernels, [](func::FuncOp kernel) { return getKernel(kernel).getKind() == DispatchClass::gemm; });
    if (failed(checkGemmTile(product == kernels.end() ? getOperation().getLoc() : product->getLoc(), *target)))
      return signalPassFailure();
    for (func::FuncOp kernel : kernels) {
      (void)emitKernel(kernel, *target);
      if (int64_t shared = getKernel(kernel).getShared(); target->gpu && shared > target->gpu->sharedBytes) {
        kernel.emitError("takes ") << shared << " bytes of shared memory, and a block of " << target->name
                                   << " has at most " << target->gpu->sharedBytes;
        return signalPassFailure();
      }
    }
  }
};

/// The lowering that all users of emitted kernels share, by name for tests.
PassPipelineRegistration<> kernelToLLVM("nanochat-kernels-to-llvm", "Loops on buffers to the LLVM dialect",
                                        [](OpPassManager &pm) { nanochat::addKernelToLLVMPasses(pm); });
} // namespace
