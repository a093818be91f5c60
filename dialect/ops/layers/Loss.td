#ifndef NANOCHAT_OPS_LOSS_TD
#define NANOCHAT_OPS_LOSS_TD
include "dialect/Nanochat.td"
include "dialect/Formats.td"

def Nanochat_LinearCrossEntropyOp
    : Nanochat_ComputeOp<"linear_cross_entropy", [InfersTypesByLetters, HasVjp, IterationSpace<"n~v+c", ["nc", "vc", "n", "n"], ["", "n"]>,
      DeclareOpInterfaceMethods<HeadOpInterface>]> {
  let summary = "Output head and next-token cross entropy, fused";
  let description = [{
    With logits z = h·wᵀ (N, V) for h (N, C), w (V, C):
    nll[n] = log Σ_v exp z[n, v] − z[n, targets[n]] (nats), loss = (1/N) Σ_n weights[n]·nll[n].
    `weights` (N) are the per-token weights, such as exit probabilities; all ones if absent.
    Logits exist for a chunk of tokens at a time, never as (N, V). `nll` carries no gradient: it is
    for reports and for stage-II gates. `backward` is what the gradient's two products are computed in, f32 or int8; without,
    what the numerics of the module say (`--head`).
  }];
  let arguments = (ins FloatMatrix:$h, FloatMatrix:$w, IntVector:$targets, Optional<FloatVector>:$weights,
      OptionalAttr<BackwardFormat>:$backward);
  let results = (outs FloatScalar:$loss, FloatVector:$nll);
  let assemblyFormat = [{
    $h `,` $w `,` $targets (`weights` $weights^)? (`backward` $backward^)? attr-dict
    `` custom<Types>(type($h), type($w), type($targets)) `` custom<LastType>(ref(type($h)), ref($weights), type($weights))
  }];
  let hasVerifier = 1;
}

def Nanochat_LinearCrossEntropyWithGradOp
    : Nanochat_ComputeOp<"linear_cross_entropy_with_grad", [InfersTypesByLetters, IterationSpace<"+n~v+c", ["nc", "vc", "n", "n"], ["", "n", "nc", "vc"]>, FormsGradientEarly,
      DeclareOpInterfaceMethods<CostOpInterface>]> {
  let summary = "linear_cross_entropy and the gradients of its loss, from one set of logits";
  let description = [{
    `loss` and `nll` as `linear_cross_entropy` gives them, and, with p = softmax of the logits z = h·wᵀ and
    dz[n, v] = (weights[n]/N)·(p[n, v] − [v = targets[n]]): dh = dz·w, dw = dzᵀ·h, the gradients where that
    of `loss` is 1. The weights are known when the loss is, so logits are formed once, a chunk of tokens
    at a time; the gradient of `linear_cross_entropy` puts this op in its place.

    With `backward` int8 all factors are codes: `ternary_input_grad` of dz and w, w in codes with one scale for each of its
    columns, and `ternary_weight_grad` of dz and `quantize_rows` of h.
  }];
  let arguments = (ins FloatMatrix:$h, FloatMatrix:$w, IntVector:$targets, Optional<FloatVector>:$weights,
      DefaultValuedAttr<BackwardFormat, "::mlir::nanochat::BackwardFormat::f32">:$backward);
  let results = (outs FloatScalar:$loss, FloatVector:$nll, FloatMatrix:$dh, FloatMatrix:$dw);
  let assemblyFormat = [{
    $h `,` $w `,` $targets (`weights` $weights^)? (`backward` $backward^)? attr-dict
    `:` type($h) `,` type($w) `,` type($targets) (`,` type($weights)^)?
  }];
  let hasVerifier = 1;
}

#endif // NANOCHAT_OPS_LOSS_TD
