#ifndef NANOCHAT_TARGETS_PASSES_TD
#define NANOCHAT_TARGETS_PASSES_TD
include "mlir/Pass/PassBase.td"

def SetTargetPass : Pass<"nanochat-set-target", "::mlir::ModuleOp"> {
  let summary = "The module says what it is compiled for, and what is rounded to what";
  let description = [{
    Sets `nanochat.target` and `nanochat.numerics` of the module (`#nanochat.target`, `#nanochat.numerics`), which later passes read.
    A target is a row of lib/Targets/Target.cpp, with other facts where they are named: `sm_90`, `x86-64-v3:vnni=true`. `native` is the
    best row for this machine, with the fact `cpu=native`: LLVM tunes for the very CPU.
    Example: test/targets/set-target.mlir.
  }];
  let options = [
    Option<"target", "target", "std::string", "\"native\"", "The row, and facts that differ: row:fact=value">,
    Option<"numerics", "numerics", "std::string", "\"\"",
      "backward=f32,dense=bf16,attention=f32,floats=f32, for instance; the row's where empty">];
  let dependentDialects = ["::mlir::nanochat::NanochatDialect"];
}

def EmitKernelsPass : Pass<"nanochat-emit-kernels", "::mlir::ModuleOp"> {
  let summary = "Kernels on tensors to loops on buffers";
  let description = [{
    Runs on every function with `nanochat.kernel` the emitter that the module's target has for its class (see lib/Targets/Target.h). A
    function that its emitter does not support stays as it is.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect", "::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect"];
}

def EmulatePass : Pass<"nanochat-emulate", "::mlir::ModuleOp"> {
  let summary = "NVIDIA's instructions to calls of an emulator";
  let description = [{
    Every op of the NVVM dialect in a function of the LLVM dialect becomes a call of runtime/emulator, which runs it on the CPU;
    an instruction the emulator lacks is an error. Code without such instructions stays as it is.
    Example: test/targets/emulate.mlir.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def StoreSingleLanesPass : Pass<"nanochat-store-single-lanes"> {
  let summary = "Store single lanes of vectors as the numbers they are";
  let description = [{
    A masked store of the first lane alone becomes a store of its element. LLVM 22 makes a store of it that is as wide as the
    element was before it was truncated, on processors with AVX-512 (llvm-project issue 179489).
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect", "::mlir::vector::VectorDialect"];
}

def ExpandNarrowFloatsPass : Pass<"nanochat-expand-narrow-floats"> {
  let summary = "Conversions of narrow floats to integer arithmetic";
  let description = [{
    `arith.truncf` to bf16 rounds to nearest even, `arith.extf` from it shifts; without this, code for processors that lack
    the conversions calls a function of the compiler's runtime library. So do those of f8E4M3FN, f8E5M2, f8E4M3 and f8E3M4, which
    LLVM has no types for; beyond the largest number lies infinity or, where there is none, NaN.
    Example: test/targets/expand-narrow-floats.mlir.
  }];
  let options = [Option<"bf16", "bf16", "bool", "true", "Those of bf16 as well">];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

#endif
