#ifndef NANOCHAT_OPS_TERNARY_GRAD_TD
#define NANOCHAT_OPS_TERNARY_GRAD_TD
include "dialect/ops/quantize/Quantize.td"
include "dialect/ops/quantize/Random.td"

// The gradient of `ternary_matmul` as integer products: dy in codes of `format`, int16 or int8, with as large a scale as no
// sum in int32 can overflow. A code is round(dy·(limit/a)), a the largest |dy| that shares the scale; below 1e-30 all codes
// are 0. M is the format's largest code: 32767 or 127. With `draws`, in int8, codes are those of `quantize_stochastic`.

def Nanochat_QuantizeStochasticOp : Nanochat_ComputeOp<"quantize_stochastic", [InfersTypes, HasIterationSpace,
    DeclareOpInterfaceMethods<KernelOpInterface>]> {
  let summary = "Floats to codes of 8 bits, rounded by chance, with a scale for each row or column";
  let description = [{
    With z = x (N, C), or x·s for a factor s of each row, a the largest |z| along dimension `axis`, and u = z·(`limit`/a), 0
    where a is below 1e-30: codes (N, C) are ⌊u⌋, or 1 more if (half + ½)/65536 is less than u − ⌊u⌋, so that their mean is u to 2⁻¹⁷; at
    most `limit`. `largest` (N, or C along axis 0) is a. Eight consecutive elements along the axis share a block of random
    words as in `quantize_fp4`, the last block of a row or column being of fewer.
  }];
  let arguments = (ins FloatMatrix:$x, Optional<FloatVector>:$s, ConfinedAttr<I64Attr, [IntNonNegative, IntMaxValue<1>]>:$axis,
      DefaultValuedAttr<ConfinedAttr<I64Attr, [IntPositive, IntMaxValue<127>]>, "127">:$limit, AddressWords:$draws);
  let results = (outs CodeMatrix:$codes, FloatVector:$largest);
  let assemblyFormat = [{
    $x (`scaled` $s^ `:` type($s))? `axis` `=` $axis (`limit` `=` $limit^)? `draws` $draws attr-dict `:` type($x)
  }];
  let hasVerifier = 1;
}

def Nanochat_TernaryInputGradOp : Nanochat_ComputeOp<"ternary_input_grad",
    [InfersTypes, Loops<"ni~o">, AllElementTypesMatch<["dy", "gamma"]>]> {
  let summary = "Gradient of a ternary product for its activations, in integers";
  let description = [{
    dx[n, i] = (Σ_o c[n, o]·t[o, i] in int32)·gamma·a[n]/limit, with c the codes of row n of dy (N, out), a[n] = max_o |dy[n, o]|,
    limit = min(M, ⌊(2³¹−1)/out⌋); t (out, in), which may be packed. Where the rows go on in the other ranks of a group, `among` of them, dx is the rank's
    term of a sum over these, and a, unless codes are rounded by chance, and out are of all of them.
  }];
  let arguments = (ins FloatMatrix:$dy, WeightCodes:$t, FloatScalar:$gamma,
      DefaultValuedAttr<Format, "::mlir::nanochat::Format::int16">:$format, Optional<AddressWords>:$draws,
      DefaultValuedAttr<Count, "1">:$among);
  let results = (outs FloatMatrix:$dx);
  let assemblyFormat = "$dy `,` $t `,` $gamma (`format` $format^)? (`draws` $draws^)? (`among` $among^)? attr-dict `:` type($dy) `,` type($t) `,` type($gamma)";
  let hasVerifier = 1;
}

def Nanochat_TernaryWeightGradOp : Nanochat_ComputeOp<"ternary_weight_grad",
    [InfersTypesByLetters, IterationSpace<"mn+k", ["km", "kn", "k", "0"], ["mn"]>, AllElementTypesMatch<["dy", "s"]>]> {
  let summary = "Gradient of a ternary product for its weights, in integers";
  let description = [{
    dw[o, i] = Σ_b (Σ_{n in block b} c[n, o]·q[n, i] in int32)·a[b, o]/limit over blocks of B tokens, with c the codes of
    column o of dy·s, a[b, o] = max_{n in b} |dy[n, o]·s[n]|, limit = min(M, ⌊(2³¹−1)/(128·B)⌋); dy (N, out), q (N, in),
    s (N). B is the largest divisor of N for which limit is M: up to 512, and 132104 in 8 bits. Where all are below half
    of that, it is the smallest from there on, which costs precision. Block b of several is part b of `draws`: iteration·blocks + b.
  }];
  let arguments = (ins FloatMatrix:$dy, CodeMatrix:$q, FloatVector:$s,
      DefaultValuedAttr<Format, "::mlir::nanochat::Format::int16">:$format, Optional<AddressWords>:$draws);
  let results = (outs FloatMatrix:$dw);
  let assemblyFormat = "$dy `,` $q `,` $s (`format` $format^)? (`draws` $draws^)? attr-dict `:` type($dy) `,` type($q) `,` type($s)";
  let hasVerifier = 1;
}

#endif // NANOCHAT_OPS_TERNARY_GRAD_TD
