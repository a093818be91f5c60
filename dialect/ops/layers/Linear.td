#ifndef NANOCHAT_OPS_LINEAR_TD
#define NANOCHAT_OPS_LINEAR_TD
include "dialect/Nanochat.td"
include "dialect/Target.td"

def Nanochat_LinearOp : Nanochat_ComputeOp<"linear", [InfersTypesByLetters, HasVjp, IterationSpace<"mn+k", ["mk", "nk", "n"], ["mn"]>]> {
  let summary = "Dense linear layer";
  let description = [{
    y = x·wᵀ (+ bias) with x (N, in), w (out, in), bias (out), y (N, out).
    Gradients: dx = dy·w, dw = dyᵀ·x, dbias = Σ_rows dy. `backward` computes them in four-bit floats as those of `ternary_linear`,
    w rounded to nearest; `site` is whose random numbers they are rounded by, by default the name of the parameter.

    `forward` is the four-bit format of y's own factors (arXiv:2501.17116), in blocks along the inputs, rounded to nearest; what
    has gradients in floats then multiplies by these factors. `occ` = α > 0 clamps each row of x to its sorted elements number
    ⌊(1 − α)·in⌋ and ⌊α·in⌋ before; what that cuts off is multiplied by w in floats. `dge` = k > 0 multiplies dw, what was cut off included, by the slope
    min(|2u − 1|^(1/k − 1)/k, `clip`), u where in its interval of E2M1 an element of w lies, from 0 to 1; 0 is straight-through.

    Where ranks of a group have parts of the inputs, `among` of them, x·wᵀ is the sum over these.
  }];
  let arguments = (ins FloatMatrix:$x, FloatMatrix:$w, Optional<FloatVector>:$bias, OptionalAttr<Nanochat_BackwardAttr>:$backward,
      OptionalAttr<Fp4Format>:$forward, DefaultValuedAttr<NonNegative, "5.0">:$dge, DefaultValuedAttr<Positive, "3.0">:$clip,
      DefaultValuedAttr<Decay, "0.99">:$occ, OptionalAttr<StrAttr>:$site,
      DefaultValuedAttr<Count, "1">:$among);
  let results = (outs FloatMatrix:$y);
  let assemblyFormat = [{
    $x `,` $w (`bias` $bias^)? (`backward` $backward^)? (`forward` $forward^ (`dge` `=` $dge^)? (`clip` `=` $clip^)? (`occ` `=` $occ^)?)?
    (`site` $site^)? (`among` $among^)? attr-dict `` custom<Types>(type($x), type($w)) `` custom<BiasType>(ref(type($x)), ref($bias), type($bias))
  }];
  let builders = [OpBuilder<(ins "Value":$x, "Value":$w, "Value":$bias), [{
    SmallVector<Value> operands{x, w};
    if (bias)
      operands.push_back(bias);
    build($_builder, $_state, operands);
  }]>];
  let hasVerifier = 1;
}

def Nanochat_MatmulOp : Nanochat_ComputeOp<"matmul", [InfersTypes, Loops<"mn+k">]> {
  let summary = "Matrix product with optional transposes";
  let description = [{
    c = op(a)·op(b), op(a) of shape (M, K), op(b) of shape (K, N); `trans_a` and `trans_b` say
    that an operand is stored transposed. What the gradients of linears are made of.
  }];
  let arguments = (ins FloatMatrix:$a, FloatMatrix:$b, UnitAttr:$trans_a, UnitAttr:$trans_b);
  let results = (outs FloatMatrix:$c);
  let assemblyFormat = [{
    $a (`transposed` $trans_a^)? `,` $b (`transposed` $trans_b^)? attr-dict `:` type($a) `,` type($b)
  }];
  let hasVerifier = 1;
}

def Nanochat_ClampRowsOp : Nanochat_ComputeOp<"clamp_rows", [InfersFirstType, IterationSpace<"n~c", ["nc"], ["nc"]>]> {
  let summary = "Rows between two of their sorted elements";
  let description = [{
    y[n, c] = min(max(x[n, c], l), h), l and h the elements number `low` and `high` of row n sorted from the least, from 0. What
    is no number counts as the largest.
  }];
  let arguments = (ins FloatMatrix:$x, ConfinedAttr<I64Attr, [IntNonNegative]>:$low, ConfinedAttr<I64Attr, [IntNonNegative]>:$high);
  let results = (outs FloatMatrix:$y);
  let assemblyFormat = "$x `from` $low `to` $high attr-dict `:` type($x)";
  let hasVerifier = 1;
}

def Nanochat_SumRowsOp : Nanochat_ComputeOp<"sum_rows", [InfersTypesByLetters, IterationSpace<"+nc", ["nc"], ["c"]>]> {
  let summary = "Sum over tokens";
  let description = [{ y (C) = Σ_n x (n, C). The gradient of a bias. }];
  let arguments = (ins FloatMatrix:$x);
  let results = (outs FloatVector:$y);
  let assemblyFormat = "$x attr-dict `:` type($x)";
}

#endif // NANOCHAT_OPS_LINEAR_TD
