#ifndef NANOCHAT_OPS_TERNARY_GRAD_TD
#define NANOCHAT_OPS_TERNARY_GRAD_TD
include "dialect/ops/quantize/Quantize.td"

// The gradient of `ternary_matmul` as integer products: dy in 16 bits, with as large a scale as no sum in int32 can overflow.
// A code is round(dy·(limit/a)), a the largest |dy| that shares the scale; below 1e-30 all codes are 0.

def Nanochat_TernaryInputGradOp : Nanochat_ComputeOp<"ternary_input_grad",
    [InfersTypes, Loops<"ni~o">, AllElementTypesMatch<["dy", "gamma"]>]> {
  let summary = "Gradient of a ternary product for its activations, in integers";
  let description = [{
    dx[n, i] = (Σ_o c[n, o]·t[o, i] in int32)·gamma·a[n]/limit, with c of row n of dy (N, out) in 16 bits, a[n] = max_o |dy[n, o]|,
    limit = min(32767, ⌊(2³¹−1)/out⌋); t (out, in), which may be packed.
  }];
  let arguments = (ins FloatMatrix:$dy, WeightCodes:$t, FloatScalar:$gamma);
  let results = (outs FloatMatrix:$dx);
  let assemblyFormat = "$dy `,` $t `,` $gamma attr-dict `:` type($dy) `,` type($t) `,` type($gamma)";
  let hasVerifier = 1;
}

def Nanochat_TernaryWeightGradOp : Nanochat_ComputeOp<"ternary_weight_grad",
    [InfersTypesByLetters, IterationSpace<"mn+k", ["km", "kn", "k"], ["mn"]>, AllElementTypesMatch<["dy", "s"]>]> {
  let summary = "Gradient of a ternary product for its weights, in integers";
  let description = [{
    dw[o, i] = Σ_b (Σ_{n in block b} c[n, o]·q[n, i] in int32)·a[b, o]/limit over blocks of B tokens, with c of column o of dy·s in
    16 bits, a[b, o] = max_{n in b} |dy[n, o]·s[n]|, limit = min(32767, ⌊(2³¹−1)/(128·B)⌋); dy (N, out), q (N, in), s (N).
    B is the largest divisor of N up to 512, for which limit is 32767; where all are below 256, the smallest from 512 on,
    which costs precision.
  }];
  let arguments = (ins FloatMatrix:$dy, CodeMatrix:$q, FloatVector:$s);
  let results = (outs FloatMatrix:$dw);
  let assemblyFormat = "$dy `,` $q `,` $s attr-dict `:` type($dy) `,` type($q) `,` type($s)";
  let hasVerifier = 1;
}

#endif // NANOCHAT_OPS_TERNARY_GRAD_TD
