#ifndef NANOCHAT_TARGETS_PASSES_TD
#define NANOCHAT_TARGETS_PASSES_TD
include "mlir/Pass/PassBase.td"

def EmitKernelsPass : Pass<"nanochat-emit-kernels", "::mlir::ModuleOp"> {
  let summary = "Kernels on tensors to loops on buffers";
  let description = [{
    Runs on every function with `nanochat.class` the emitter of that class, for a CPU of the given
    facts (see lib/Targets/Target.h). A function that its emitter does not support stays as it is.
  }];
  let options = [
    Option<"targetBits", "target-bits", "int64_t", "512", "Bits of a vector">,
    Option<"vnni", "vnni", "bool", "false", "Has dot products of 4 bytes (vpdpbusd)">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect", "::mlir::LLVM::LLVMDialect"];
}

#endif
