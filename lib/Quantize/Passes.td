#ifndef NANOCHAT_QUANTIZE_PASSES_TD
#define NANOCHAT_QUANTIZE_PASSES_TD
include "mlir/Pass/PassBase.td"

def ExpandTernaryPass : Pass<"nanochat-expand-ternary", "::mlir::ModuleOp"> {
  let summary = "From ternary linears to their quantisers and integer products";
  let description = [{
    Replaces every `nanochat.ternary_linear` by its decomposition: `quantize_rows` of the activations,
    `ternarize` of the weights, and `ternary_matmul`. Before differentiation, so that codes and scales
    are the residuals; weights and activations are then shared by what else is done to them. What says
    `backward = "auto"` gets the precision that the module's `nanochat.numerics` say.
    Example: test/quantize/expand-ternary.mlir.
  }];
}

#endif
