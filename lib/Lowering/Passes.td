#ifndef NANOCHAT_LOWERING_PASSES_TD
#define NANOCHAT_LOWERING_PASSES_TD
include "mlir/Pass/PassBase.td"

def LowerHostPass : Pass<"nanochat-lower-host", "::mlir::ModuleOp"> {
  let summary = "Lower host functions to the runtime ABI";
  let description = [{
    Entries become functions of (context, arenas); slots become addresses, launches calls of
    nc_dispatch. Every emitted kernel @k gets @k.run with the signature of an nc_kernel, or where the module's target runs kernels
    on a GPU, of what is launched there, and the declaration of @k.info, which nanochat-describe-program defines.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect"];
}

#endif
