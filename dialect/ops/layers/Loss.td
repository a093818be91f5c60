#ifndef NANOCHAT_OPS_LOSS_TD
#define NANOCHAT_OPS_LOSS_TD
include "dialect/Nanochat.td"
include "dialect/Target.td"
include "dialect/ops/quantize/Random.td"

def Nanochat_TargetsAheadOp : Nanochat_ComputeOp<"targets_ahead", [InfersTypes, DeclareOpInterfaceMethods<AcrossTokensOpInterface, []>,
    IterationSpace<"n", ["0", ""], ["n", "n"]>]> {
  let summary = "Targets further ahead, for multi-token prediction";
  let description = [{
    ahead[n] = targets[n + by] within the sequence of `seq` tokens that n is in, −1 past its end; weights[n] = N/valid where
    ahead[n] ≥ 0, else 0, with `valid` how many there are: `linear_cross_entropy` with these weights is the mean over a
    head's own targets, and 0 if there is none. `by` is a whole number from 1 on (what is less has no targets), such as a slice of (1, 2, 3) in a loop over
    three heads, of which the first predicts the token after the next (Gloeckle et al., arXiv:2404.19737).
    ```mlir
    %next, %own = nanochat.targets_ahead %targets by %by seq = 256 : tensor<512xi32>, tensor<f32>
    ```
  }];
  let arguments = (ins IntVector:$targets, FloatScalar:$by, Count:$seq);
  let results = (outs IntVector:$ahead, FloatVector:$weights);
  let assemblyFormat = "$targets `by` $by `seq` `=` $seq attr-dict `` custom<Types>(type($targets), type($by))";
  let hasVerifier = 1;
}

def Nanochat_LinearCrossEntropyOp
    : Nanochat_ComputeOp<"linear_cross_entropy", [InfersTypesByLetters, HasVjp, IterationSpace<"n~v+c", ["nc", "vc", "n", "n", ""], ["", "n"]>,
      AttrSizedOperandSegments,
      DeclareOpInterfaceMethods<HeadOpInterface>]> {
  let summary = "Output head and next-token cross entropy, fused";
  let description = [{
    With logits z = h·wᵀ (N, V) for h (N, C), w (V, C):
    nll[n] = log Σ_v exp z[n, v] − z[n, targets[n]] (nats), loss = (1/N) Σ_n weights[n]·nll[n].
    `weights` (N) are the per-token weights, such as exit probabilities; all ones if absent.
    Logits exist for a chunk of tokens at a time, never as (N, V). `nll` carries no gradient: it is
    for reports and for stage-II gates. `backward` is what the gradient's two products are computed in, f32 or int8; without,
    what the numerics of the module say (`--head`); in int8 it is rounded by chance unless `rounding` says nearest. `site` is whose random numbers they are rounded by, where they are; by default
    the name of the parameter w. `chunk` is how many tokens' logits there are at a time, instead of what suits their number. What predicts drops `auxiliary` losses, such as those of tokens further ahead; one head is none.

    With `rank`, w is the `part` of this rank of a group, `among` of them, of a matrix of so many `words`: maxima, sums of exponentials and logits of targets are those
    of all. h then gets the rank's term of a sum over these.
  }];
  let arguments = (ins FloatMatrix:$h, FloatMatrix:$w, IntVector:$targets, Optional<FloatVector>:$weights, Optional<IntScalar>:$rank,
      OptionalAttr<Nanochat_BackwardAttr>:$backward, OptionalAttr<StrAttr>:$site, OptionalAttr<Count>:$chunk, UnitAttr:$auxiliary,
      DefaultValuedAttr<Count, "1">:$among, DefaultValuedAttr<Natural, "0">:$words);
  let results = (outs FloatScalar:$loss, FloatVector:$nll);
  let assemblyFormat = [{
    $h `,` $w `,` $targets (`weights` $weights^)? (`part` $rank^ `among` $among `of` $words)? (`backward` $backward^)? (`site` $site^)? (`chunk` `=` $chunk^)? (`auxiliary` $auxiliary^)? attr-dict
    `` custom<Types>(type($h), type($w), type($targets)) `` custom<LastType>(ref(type($h)), ref($weights), type($weights))
  }];
  let hasVerifier = 1;
}

def Nanochat_LinearCrossEntropyWithGradOp
    : Nanochat_ComputeOp<"linear_cross_entropy_with_grad", [InfersTypesByLetters, IterationSpace<"+n~v+c", ["nc", "vc", "n", "n", "0", ""], ["", "n", "nc", "vc"]>, FormsGradientEarly,
      AttrSizedOperandSegments,
      DeclareOpInterfaceMethods<CostOpInterface>]> {
  let summary = "linear_cross_entropy and the gradients of its loss, from one set of logits";
  let description = [{
    `loss` and `nll` as `linear_cross_entropy` gives them, and, with p = softmax of the logits z = h·wᵀ and
    dz[n, v] = (weights[n]/N)·(p[n, v] − [v = targets[n]]): dh = dz·w, dw = dzᵀ·h, the gradients where that
    of `loss` is 1. The weights are known when the loss is, so logits are formed once, a chunk of tokens
    at a time; the gradient of `linear_cross_entropy` puts this op in its place.

    A product that is int8 in `backward` has codes as factors: dh is `ternary_input_grad` of dz and w, w in codes with one scale for
    each of its columns, dw `ternary_weight_grad` of dz and `quantize_rows` of h. With `draws` dz is rounded by chance; chunk c
    of them is part 2c of its address for dh, 2c + 1 for dw. `rank`, `among` and `words` are as there; dh is the rank's term.
  }];
  let arguments = (ins FloatMatrix:$h, FloatMatrix:$w, IntVector:$targets, Optional<FloatVector>:$weights,
      OptionalAttr<Nanochat_BackwardAttr>:$backward, Optional<AddressWords>:$draws, Optional<IntScalar>:$rank, OptionalAttr<Count>:$chunk,
      DefaultValuedAttr<Count, "1">:$among, DefaultValuedAttr<Natural, "0">:$words);
  let results = (outs FloatScalar:$loss, FloatVector:$nll, FloatMatrix:$dh, FloatMatrix:$dw);
  let assemblyFormat = [{
    $h `,` $w `,` $targets (`weights` $weights^)? (`backward` $backward^)? (`draws` $draws^)? (`part` $rank^ `among` $among `of` $words)? (`chunk` `=` $chunk^)? attr-dict
    `:` type($h) `,` type($w) `,` type($targets) (`,` type($weights)^)?
  }];
  let hasVerifier = 1;
}

#endif // NANOCHAT_OPS_LOSS_TD
