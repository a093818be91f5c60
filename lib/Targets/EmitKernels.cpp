#include "lib/Targets/Passes.h"
#include "lib/Targets/Target.h"
#include "lib/Targets/ToLLVM.h"
#include "mlir/Pass/PassRegistry.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_EMITKERNELSPASS
#include "lib/Targets/Passes.h.inc"
} // namespace mlir::nanochat

using namespace mlir;
using namespace mlir::nanochat;

namespace {
struct EmitKernels : nanochat::impl::EmitKernelsPassBase<EmitKernels> {
  using EmitKernelsPassBase::EmitKernelsPassBase;

  void runOnOperation() override {
    CpuFacts facts;
    facts.vectorBits = targetBits;
    facts.vectorRegisters = targetBits == 512 ? 32 : 16;
    facts.vnni = vnni;
    for (auto kernel : llvm::to_vector(getOperation().getOps<func::FuncOp>())) {
      auto kind = kernel->getAttrOfType<StringAttr>(kClassAttr);
      if (!kind)
        continue;
      if (kind == "gemm")
        (void)emitGemm(kernel, facts);
      else if (kind == "rowwise" || kind == "pointwise")
        (void)emitRowwise(kernel, facts);
      else if (kind == "attention")
        (void)emitAttention(kernel, facts);
    }
  }
};

/// The lowering that all users of emitted kernels share, by name for tests.
PassPipelineRegistration<> kernelToLLVM("nanochat-kernels-to-llvm",
                                        "Loops on buffers to the LLVM dialect",
                                        nanochat::addKernelToLLVMPasses);
} // namespace
