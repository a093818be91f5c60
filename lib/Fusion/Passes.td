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

def SplitProductsPass : Pass<"nanochat-split-products", "::mlir::func::FuncOp"> {
  let summary = "Cut long sums of products with small results into slices that run side by side";
  let description = [{
    A product c[m, n] = Σ_k whose result has fewer tiles of 128 × 128 than a GPU runs `blocks` at once becomes up to 16 products
    c[s, m, n] over a slice of k each, which read views of the factors, and their sum over s (split-K). A slice has `least`
    or more of k; a product whose k does not split evenly stays whole. The order of sums depends on shapes alone.
  }];
  let options = [Option<"blocks", "blocks", "int64_t", "132", "blocks that run at once">,
                 Option<"least", "least", "int64_t", "512", "the shortest slice">];
  let dependentDialects = ["::mlir::tensor::TensorDialect"];
}

def OutlineKernelsPass : Pass<"nanochat-outline-kernels", "::mlir::ModuleOp"> {
  let summary = "Move dispatch bodies to kernel functions, identical ones once";
}

#endif
