#ifndef NANOCHAT_QUANTIZE_PASSES_TD
#define NANOCHAT_QUANTIZE_PASSES_TD
include "mlir/Pass/PassBase.td"

def DissolveRegionsPass : Pass<"nanochat-dissolve-regions", "::mlir::ModuleOp"> {
  let summary = "Write what regions say on the linears in them";
  let description = [{
    Every linear of a `nanochat.fp4_region` gets the region's `backward` unless it has one, those of inner regions first;
    products of ternary linears that a region does not name are computed as the module's `nanochat.numerics` say, of dense ones
    in floats. Then the region is gone.
  }];
}

def ExpandTernaryPass : Pass<"nanochat-expand-ternary", "::mlir::ModuleOp"> {
  let summary = "From ternary linears to their quantisers and integer products";
  let description = [{
    Replaces every `nanochat.ternary_linear` by its decomposition: `quantize_rows` of the activations,
    `ternarize` of the weights, and `ternary_matmul`. Before differentiation, so that codes and scales
    are the residuals; weights and activations are then shared by what else is done to them. What says
    no `backward` gets the format that the module's `nanochat.numerics` say, or floats if its weights are in groups;
    what has products of four-bit floats, or is rounded by chance, gets a `site` named after its parameter, dense linears as well. Heads
    that say no `backward` get the numerics' `head`; where `backward` says no `rounding`, that of the numerics counts, heads being
    rounded by chance without one.
    Example: test/quantize/expand-ternary.mlir.
  }];
}

def RoundStreamsPass : Pass<"nanochat-round-streams", "::mlir::ModuleOp"> {
  let summary = "Have loops hand on activations in bf16";
  let description = [{
    `loop=bf16` rounds the matrices that the loops of that name carry, at their start and in every iteration, to bf16, to nearest: the forward
    pass computes with what is rounded, so that whatever a policy recomputes is the same. Gradients pass straight through and stay f32. What
    a loop keeps of a carried value then takes half the bytes.
    ```mlir
    nanochat.loop "layers" = 3 carry(%x = %h : tensor<8x4xf32>) { ... nanochat.yield %y : tensor<8x4xf32> }
    ```
    becomes
    ```mlir
    %r = arith.truncf %h : tensor<8x4xf32> to tensor<8x4xbf16>
    nanochat.loop "layers" = 3 carry(%b = %r : tensor<8x4xbf16>) {
      %x = arith.extf %b : tensor<8x4xbf16> to tensor<8x4xf32>
      ...
      %n = arith.truncf %y : tensor<8x4xf32> to tensor<8x4xbf16>
      nanochat.yield %n : tensor<8x4xbf16> }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
  let options = [ListOption<"streams", "streams", "std::string", "loop=bf16">];
}

#endif
