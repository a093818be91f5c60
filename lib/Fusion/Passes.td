#ifndef NANOCHAT_FUSION_PASSES_TD
#define NANOCHAT_FUSION_PASSES_TD
include "mlir/Pass/PassBase.td"

def DecomposeForFusionPass : Pass<"nanochat-decompose-for-fusion", "::mlir::func::FuncOp"> {
  let summary = "Replace ops by their decompositions, except loops and ops kept whole";
  let description = [{
    What remains are linalg ops on tensors, rolled loops, views, and ops with KernelOpInterface.
    Splat constants become scalars of the ops that read them.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::math::MathDialect", "::mlir::tensor::TensorDialect", "::mlir::scf::SCFDialect"];
}

def FormDispatchesPass : Pass<"nanochat-form-dispatches", "::mlir::func::FuncOp"> {
  let summary = "Group ops into dispatches: gemm, attention, rowwise, pointwise";
  let description = [{
    Every compute op ends up in exactly one dispatch. A contraction takes along pointwise ops on its result (epilogue) and
    pointwise ops that only feed it (prologue); ops over the same rows form one rowwise dispatch. With
    `fuse=false` every op is a dispatch of its own, as the reference wants it.
  }];
  let options = [Option<"fuse", "fuse", "bool", "true", "group ops">];
}

def OutlineKernelsPass : Pass<"nanochat-outline-kernels", "::mlir::ModuleOp"> {
  let summary = "Move dispatch bodies to kernel functions, identical ones once";
}

#endif
