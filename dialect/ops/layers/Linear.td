#ifndef NANOCHAT_OPS_LINEAR_TD
#define NANOCHAT_OPS_LINEAR_TD
include "dialect/Nanochat.td"

def Nanochat_LinearOp : Nanochat_ComputeOp<"linear", [InfersTypesByLetters, HasVjp, IterationSpace<"mn+k", ["mk", "nk", "n"], ["mn"]>]> {
  let summary = "Dense linear layer";
  let description = [{
    y = x·wᵀ (+ bias) with x (N, in), w (out, in), bias (out), y (N, out).
    Gradients: dx = dy·w, dw = dyᵀ·x, dbias = Σ_rows dy.
  }];
  let arguments = (ins FloatMatrix:$x, FloatMatrix:$w, Optional<FloatVector>:$bias);
  let results = (outs FloatMatrix:$y);
  let assemblyFormat = [{
    $x `,` $w (`bias` $bias^)? attr-dict `` custom<Types>(type($x), type($w)) `` custom<BiasType>(ref(type($x)), ref($bias), type($bias))
  }];
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

def Nanochat_SumRowsOp : Nanochat_ComputeOp<"sum_rows", [InfersTypesByLetters, IterationSpace<"+nc", ["nc"], ["c"]>]> {
  let summary = "Sum over tokens";
  let description = [{ y (C) = Σ_n x (n, C). The gradient of a bias. }];
  let arguments = (ins FloatMatrix:$x);
  let results = (outs FloatVector:$y);
  let assemblyFormat = "$x attr-dict `:` type($x)";
}

#endif // NANOCHAT_OPS_LINEAR_TD
