#ifndef NANOCHAT_QUANTIZE_PASSES_TD
#define NANOCHAT_QUANTIZE_PASSES_TD
include "mlir/Pass/PassBase.td"

def ExpandTernaryPass : Pass<"nanochat-expand-ternary", "::mlir::ModuleOp"> {
  let summary = "From ternary linears to their quantisers and integer products";
  let description = [{
    Replaces every `nanochat.ternary_linear` by its decomposition: `quantize_rows` of the activations,
    `ternarize` of the weights, and `ternary_matmul`. Before differentiation, so that codes and scales
    are the residuals; weights and activations are then shared by what else is done to them. What says
    `backward = "auto"` gets the precision of the target.
    Example: test/quantize/expand-ternary.mlir.
  }];
  let options = [Option<"backward", "backward", "std::string", "\"f32\"", "What the gradient's products are computed in">];
}

def RoundFactorsPass : Pass<"nanochat-round-factors", "::mlir::func::FuncOp"> {
  let summary = "Factors of f32 matrix products are rounded to bf16";
  let description = [{
    Every `linalg.generic` that sums products of two f32 inputs over one loop, and has a result of two or more
    dimensions, reads both inputs as bf16; products and sums stay f32. (Of f64, in which a reference may compute, inputs
    are rounded and stay f64.) An input is rounded once, where it is made: before the loops that only read it, and in the
    kernel that computes it. Update entries keep f32. A target that has such dot products computes with them (vdpbf16ps),
    others with floats.

    ```mlir
    %z = linalg.generic ... ins(%x, %y : tensor<8x4xf32>, tensor<6x4xf32>) ... arith.mulf %a, %b
    ```
    becomes
    ```mlir
    %x1 = linalg.generic ... ins(%x : tensor<8x4xf32>) outs(... : tensor<8x4xbf16>) ... arith.truncf
    %y1 = ...
    %z = linalg.generic ... ins(%x1, %y1 : tensor<8x4xbf16>, tensor<6x4xbf16>) ... arith.mulf (extf %a), (extf %b)
    ```
    Example: test/quantize/round-factors.mlir.
  }];
  let options = [Option<"withinKernels", "within-kernels", "bool", "false",
    "Factors of products within ops that stay whole (attention) are rounded as well">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def HoistInvariantsPass : Pass<"nanochat-hoist-invariants", "::mlir::ModuleOp"> {
  let summary = "Work that does not change between iterations leaves the loop";
  let description = [{
    Two rewrites of `nanochat.loop`, until neither applies:
    1. A pure op of a loop body whose operands all come from outside moves in front of the loop.
       Constants follow their users; alone they stay, they cost nothing where they are.
    2. Work on weights (trait `LoopInvariantWork`) in an inner loop that reads only slices of stacks,
       and other values, from outside an enclosing loop is done once: in a loop of its own in front
       of the outermost such loop. The inner loop slices the stacked results. So is work that two
       loops do to the same slices, as the gradient does that of the forward pass.

    ```mlir
    nanochat.loop "steps" = 4 carry(...) {
      nanochat.loop "layers" = 3 carry(...) slice(%w = %W : ...) {
        %t, %gamma = nanochat.ternarize %w ...
    ```
    becomes
    ```mlir
    %T, %G = nanochat.loop "layers" = 3 slice(%w = %W : ...) { ternarize %w, stacked }
    nanochat.loop "steps" = 4 carry(...) {
      nanochat.loop "layers" = 3 carry(...) slice(%t = %T : ..., %gamma = %G : ...) {
    ```
    The price is one stack of results, which lives as long as the loop it left.
    Example: test/quantize/hoist-invariants.mlir.
  }];
}

def PackWeightsPass : Pass<"nanochat-pack-weights", "::mlir::ModuleOp"> {
  let summary = "Ternary weights are packed where they are made";
  let description = [{
    Puts `nanochat.pack_panels` behind every `nanochat.ternarize` of one scale whose sizes fit and whose codes
    nothing but products and `dequantize_weight` reads, here or in other loops: all of these read the panels. With
    `nanochat-hoist-invariants` before it, weights are packed once per step.
    Example: test/quantize/pack-weights.mlir.
  }];
}

#endif
