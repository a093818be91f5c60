#ifndef NANOCHAT_FUSION_PASSES_TD
#define NANOCHAT_FUSION_PASSES_TD
include "mlir/Pass/PassBase.td"

def DecomposeForFusionPass : Pass<"nanochat-decompose-for-fusion", "::mlir::func::FuncOp"> {
  let summary = "Replace ops by their decompositions, except loops and ops kept whole";
  let description = [{
    What remains are linalg ops on tensors, rolled loops, views, and ops with KernelOpInterface; with `for-gpus` those of them
    alone that GPUs have kernels for, also where the reference stands for a GPU.
    Splat constants become scalars of the ops that read them.
  }];
  let options = [Option<"forGpus", "for-gpus", "bool", "false", "Take apart what only CPUs have kernels for">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::math::MathDialect", "::mlir::tensor::TensorDialect", "::mlir::scf::SCFDialect"];
}

def ExpandFp4Pass : Pass<"nanochat-expand-fp4", "::mlir::func::FuncOp"> {
  let summary = "Products of four-bit floats as tensor cores have them";
  let description = [{
    Where the module's target multiplies four-bit floats (`multipliesFp4`), `block_matmul` becomes `fp4_matmul` of packed codes:
    its quantisers pack them, weights are packed by `pack_fp4`. Elsewhere, and with other blocks, it becomes a product of
    floats, of what codes stand for, which bf16 holds exactly. Sums are then in another order than over blocks. Linears with
    factors of four bits are taken apart before.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::math::MathDialect", "::mlir::tensor::TensorDialect"];
}

def FormDispatchesPass : Pass<"nanochat-form-dispatches", "::mlir::func::FuncOp"> {
  let summary = "Group ops into dispatches: gemm, attention, rowwise, pointwise";
  let description = [{
    Every compute op ends up in exactly one dispatch. A contraction takes along pointwise ops on its result (epilogue) and
    pointwise ops that only feed it (prologue); ops over the same rows form one rowwise dispatch. Where the module's target does
    not fuse, as the reference, every op is a dispatch of its own.
  }];
}

def SplitProductsPass : Pass<"nanochat-split-products", "::mlir::func::FuncOp"> {
  let summary = "Cut long sums of products with small results into slices that run side by side";
  let description = [{
    A product c[m, n] = Σ_k whose result has fewer tiles of 128 × 128 than the module's target runs blocks at once becomes up to 16 products
    c[s, m, n] over a slice of k each, which read views of the factors, and their sum over s (split-K). A slice has `least`
    or more of k; a product whose k does not split evenly stays whole. The order of sums depends on shapes alone.
  }];
  let options = [Option<"least", "least", "int64_t", "512", "the shortest slice">];
  let dependentDialects = ["::mlir::tensor::TensorDialect"];
}

def OutlineKernelsPass : Pass<"nanochat-outline-kernels", "::mlir::ModuleOp"> {
  let summary = "Move dispatch bodies to kernel functions, identical ones once";
}

def RoundFactorsPass : Pass<"nanochat-round-factors", "::mlir::func::FuncOp"> {
  let summary = "Factors of f32 matrix products are rounded to narrower floats";
  let description = [{
    Where the module's `nanochat.numerics` say `dense = bf16`, for instance, every `linalg.generic` that is a matrix product of two f32 inputs
    (dialect/MatrixProduct.h) reads both as bf16; products and sums stay f32. (Of f64, in which a reference may compute, inputs
    are rounded and stay f64.) Where they say `attention = bf16`, so do ops that stay whole of the factors of products within
    them. An input is rounded once, where it is made: before the loops that only read it, and in the kernel that computes it.
    Entries that change parameters, those of updates and phases, keep f32. Targets that multiply the format compute in it (vdpbf16ps, mma.sync),
    others in f32.

    ```mlir
    %z = linalg.generic ... ins(%x, %y : tensor<8x4xf32>, tensor<6x4xf32>) ... arith.mulf %a, %b
    ```
    becomes
    ```mlir
    %x1 = linalg.generic ... ins(%x : tensor<8x4xf32>) outs(... : tensor<8x4xbf16>) ... arith.truncf
    %y1 = ...
    %z = linalg.generic ... ins(%x1, %y1 : tensor<8x4xbf16>, tensor<6x4xbf16>) ... arith.mulf (extf %a), (extf %b)
    ```
    Example: test/fusion/round-factors.mlir.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def StoreMastersPass : Pass<"nanochat-store-masters", "::mlir::ModuleOp"> {
  let summary = "Store parameters in bf16 or int8";
  let description = [{
    `role=bf16` binds the parameters of that role as bf16 in all entries, once ops are taken apart. `role=int8` binds them as codes, and beside
    them `scales` of the same name, one for each row (`quantize_blocks`); vectors and numbers, which have no rows, stay f32. What reads them computes each number where it is read; updates
    compute in f32 and round what they leave by chance, so that steps smaller than half a last place still add up. Random bits are those of
    site "master.<parameter>" at this step, by matrix and element; see `random_stream`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
  let options = [ListOption<"masters", "masters", "std::string", "role=bf16|int8">];
}

#endif
