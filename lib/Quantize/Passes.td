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

#endif
