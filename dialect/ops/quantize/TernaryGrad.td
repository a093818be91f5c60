#ifndef NANOCHAT_OPS_TERNARY_GRAD_TD
#define NANOCHAT_OPS_TERNARY_GRAD_TD
include "dialect/ops/quantize/Quantize.td"

// The gradient of `ternary_matmul` as integer products: dy in codes of `format`, int16 or int8, with as large a scale as no
// sum in int32 can overflow. A code is round(dy·(limit/a)), a the largest |dy| that shares the scale; below 1e-30 all codes
// are 0. M is the format's largest code: 32767 or 127.

def Nanochat_TernaryInputGradOp : Nanochat_ComputeOp<"ternary_input_grad",
    [InfersTypes, Loops<"ni~o">, AllElementTypesMatch<["dy", "gamma"]>]> {
  let summary = "Gradient of a ternary product for its activations, in integers";
  let description = [{
    dx[n, i] = (Σ_o c[n, o]·t[o, i] in int32)·gamma·a[n]/limit, with c the codes of row n of dy (N, out), a[n] = max_o |dy[n, o]|,
    limit = min(M, ⌊(2³¹−1)/out⌋); t (out, in), which may be packed.
  }];
  let arguments = (ins FloatMatrix:$dy, WeightCodes:$t, FloatScalar:$gamma,
      DefaultValuedAttr<Format, "::mlir::nanochat::Format::int16">:$format);
  let results = (outs FloatMatrix:$dx);
  let assemblyFormat = "$dy `,` $t `,` $gamma (`format` $format^)? attr-dict `:` type($dy) `,` type($t) `,` type($gamma)";
  let hasVerifier = 1;
}

def Nanochat_TernaryWeightGradOp : Nanochat_ComputeOp<"ternary_weight_grad",
    [InfersTypesByLetters, IterationSpace<"mn+k", ["km", "kn", "k"], ["mn"]>, AllElementTypesMatch<["dy", "s"]>]> {
  let summary = "Gradient of a ternary product for its weights, in integers";
  let description = [{
    dw[o, i] = Σ_b (Σ_{n in block b} c[n, o]·q[n, i] in int32)·a[b, o]/limit over blocks of B tokens, with c the codes of
    column o of dy·s, a[b, o] = max_{n in b} |dy[n, o]·s[n]|, limit = min(M, ⌊(2³¹−1)/(128·B)⌋); dy (N, out), q (N, in),
    s (N). B is the largest divisor of N for which limit is M: up to 512, and 132104 in 8 bits. Where all are below half
    of that, it is the smallest from there on, which costs precision.
  }];
  let arguments = (ins FloatMatrix:$dy, CodeMatrix:$q, FloatVector:$s,
      DefaultValuedAttr<Format, "::mlir::nanochat::Format::int16">:$format);
  let results = (outs FloatMatrix:$dw);
  let assemblyFormat = "$dy `,` $q `,` $s (`format` $format^)? attr-dict `:` type($dy) `,` type($q) `,` type($s)";
  let hasVerifier = 1;
}

#endif // NANOCHAT_OPS_TERNARY_GRAD_TD
