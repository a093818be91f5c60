#ifndef NANOCHAT_OPS_QUANTIZE_TD
#define NANOCHAT_OPS_QUANTIZE_TD
include "dialect/Nanochat.td"
include "dialect/Target.td"

// Ternary linears, BitNet b1.58 (arXiv:2402.17764 and its training tips). Rounding is half to even.
//
// Gradients are straight-through: a quantiser passes the cotangent of what its codes stand for to the
// value it quantised, unchanged, also where that was clipped; scales get none.

def CodeMatrix : TensorRankOf<[I8], [2]>;
def CodePanels : TensorRankOf<[I8], [4]>;
/// Codes of weights as (out, in), or packed by `pack_panels`.
def WeightCodes : AnyTypeOf<[CodeMatrix, CodePanels]>;
/// One scale per tensor, or (out, groups) scales, each of in/groups consecutive inputs of a row.
def WeightScale : AnyTypeOf<[FloatScalar, FloatMatrix]>;
def SameFloat_x_w : AllElementTypesMatch<["x", "w"]>;
def SameFloat_s_gamma : AllElementTypesMatch<["s", "gamma"]>;
def StraightThrough : DeclareOpInterfaceMethods<StraightThroughOpInterface>;
def OnCodes : DeclareOpInterfaceMethods<OnCodesOpInterface>;

def Nanochat_TernaryLinearOp : Nanochat_ComputeOp<"ternary_linear",
    [InfersTypesByLetters, IterationSpace<"mn~k", ["mk", "nk"], ["mn"]>, SameFloat_x_w]> {
  let summary = "Linear layer of ternary weights and int8 activations (BitLinear)";
  let description = [{
    y (N, out) = `ternary_matmul` of x (N, in) by `quantize_rows` and w (out, in) by `ternarize`: that
    is its decomposition, `--nanochat-expand-ternary`. No bias; normalise x before.
    `group` = 0 scales weights per tensor, as the paper does; otherwise per `group` consecutive inputs
    of an output, which deviates from the paper and costs a float multiplication per group.
    `backward` is what the gradient's products are computed in; without, the target chooses. Weights in groups have
    gradients of floats. `site` is whose random numbers gradients are rounded by, where they are; by default the name of
    the parameter.
  }];
  let arguments = (ins FloatMatrix:$x, FloatMatrix:$w,
      DefaultValuedAttr<Natural, "0">:$group, OptionalAttr<Nanochat_BackwardAttr>:$backward, OptionalAttr<StrAttr>:$site);
  let results = (outs FloatMatrix:$y);
  let assemblyFormat = [{
    $x `,` $w (`group` `=` $group^)? (`backward` $backward^)? (`site` $site^)? attr-dict `` custom<Types>(type($x), type($w))
  }];
  let hasVerifier = 1;
}

def Nanochat_QuantizeRowsOp : Nanochat_ComputeOp<"quantize_rows",
    [InfersTypes, HasVjp, IterationSpace<"n~c", ["nc"], ["nc", "n"]>, StraightThrough]> {
  let summary = "Activations to int8, one scale per token";
  let description = [{
    Per row of x (N, C), with a = max(max_c |x|, 1e-5): q (N, C) = clip(round(x·(127/a)), −128, 127) and
    s (N) = a/127, so that x ≈ q·s. (The paper's scale is 1/s.) dx = the cotangent of q. Where the rows go on in the other ranks of a group,
    `among` of them, a is the largest in all of these.
  }];
  let arguments = (ins FloatMatrix:$x, DefaultValuedAttr<Count, "1">:$among);
  let results = (outs CodeMatrix:$q, FloatVector:$s);
  let assemblyFormat = "$x (`among` $among^)? attr-dict `:` type($x)";
}

def Nanochat_TernarizeOp : Nanochat_ComputeOp<"ternarize",
    [InfersTypes, HasVjp, HasIterationSpace, StraightThrough, LoopInvariantWork]> {
  let summary = "Weights to {−1, 0, 1} and their scale";
  let description = [{
    gamma = max(mean |w|, 1e-5) over w (out, in), or over each `group` consecutive inputs of a row:
    a scalar, or (out, in/group). t (out, in) = clip(round(w/gamma), −1, 1), decided without division:
    1 where w > gamma/2, −1 where w < −gamma/2, else 0. Not idempotent: mean |gamma·t| < gamma.
    Sums run over inputs first, then over outputs. dw = the cotangent of t. gamma is of the matrix `whole`, which then gets no gradient of it, where w is but
    a rank's part of that.
  }];
  let arguments = (ins FloatMatrix:$w, Optional<FloatMatrix>:$whole,
      DefaultValuedAttr<Natural, "0">:$group);
  let results = (outs CodeMatrix:$t, WeightScale:$gamma);
  let assemblyFormat = "$w (`of` $whole^ `:` type($whole))? (`group` $group^)? attr-dict `:` type($w)";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// What gamma is of.
    ::mlir::Value getScaled();
  }];
}

def Nanochat_TernaryScaleOp : Nanochat_ComputeOp<"ternary_scale", [InfersTypes, HasIterationSpace, LoopInvariantWork]> {
  let summary = "The scale of ternary weights alone";
  let description = [{
    gamma of `ternarize`, the same bits: with `ternarize_by` it takes the place of that where codes are formed at each use
    (`--codes=use`). Not differentiable: after differentiation, `--nanochat-split-ternarize`.
  }];
  let arguments = (ins FloatMatrix:$w, DefaultValuedAttr<Natural, "0">:$group);
  let results = (outs WeightScale:$gamma);
  let assemblyFormat = "$w (`group` $group^)? attr-dict `:` type($w)";
  let hasVerifier = 1;
}

def Nanochat_TernarizeByOp : Nanochat_ComputeOp<"ternarize_by", [InfersTypes, Loops<"oi">, AllElementTypesMatch<["w", "gamma"]>]> {
  let summary = "Weights to {−1, 0, 1} by a known scale";
  let description = [{ t (out, in) of `ternarize` for w (out, in) and its gamma, a scalar or (out, groups). Not differentiable. }];
  let arguments = (ins FloatMatrix:$w, WeightScale:$gamma);
  let results = (outs CodeMatrix:$t);
  let assemblyFormat = "$w `by` $gamma attr-dict `:` type($w) `,` type($gamma)";
  let hasVerifier = 1;
}

def Nanochat_PackPanelsOp : Nanochat_ComputeOp<"pack_panels", [InfersTypes, Loops<"oi">,
    DeclareOpInterfaceMethods<KernelOpInterface>]> {
  let summary = "Ternary weights in the order in which products read them";
  let description = [{
    p (out/16, in/4, 16, 4) of t (out, in), 16 a divisor of out and 4 of in:
    p[n div 16, k div 4, n mod 16, k mod 4] = t[n, k] + 1. The 64 bytes of 16 outputs and 4 inputs are one operand of
    a dot product of unsigned bytes. Products of such weights and what they stand for are read from p by
    `ternary_matmul` and `dequantize_weight` alike, so that the matrix itself need not be kept. Not differentiable:
    weights are packed after differentiation, `--nanochat-pack-weights`.
  }];
  let arguments = (ins CodeMatrix:$t);
  let results = (outs CodePanels:$p);
  let assemblyFormat = "$t attr-dict `:` type($t)";
  let hasVerifier = 1;
}

def Nanochat_TernaryMatmulOp : Nanochat_ComputeOp<"ternary_matmul",
    [InfersTypes, HasVjp, Loops<"no+i">, OnCodes, SameFloat_s_gamma]> {
  let summary = "Integer product of int8 activations and ternary weights";
  let description = [{
    y[n, o] = s[n]·Σ_g gamma[o, g]·acc_g with acc_g = Σ_{k in group g} q[n, k]·t[o, k] in int32, exact
    for in < 2²⁴; with one scale per tensor y = (acc·gamma)·s[n]. q (N, in), s (N), t (out, in), which may be packed
    if there is one scale.
    With dy the cotangent of y: q gets dy·(gamma·t), t gets dyᵀ·(q·s), the scales get none; so codes
    and scales are all that the gradient keeps. `backward` as in ternary_linear; without, floats.

    Where ranks of a group have parts of the inputs, `among` of them, acc is the sum over these, in int32; where they have parts of the outputs,
    `outputs_among`, q gets the rank's term of a sum over these, with scales of all outputs.
  }];
  let arguments = (ins CodeMatrix:$q, FloatVector:$s, WeightCodes:$t, WeightScale:$gamma,
      OptionalAttr<Nanochat_BackwardAttr>:$backward, OptionalAttr<StrAttr>:$site,
      DefaultValuedAttr<Count, "1">:$among, DefaultValuedAttr<Count, "1">:$outputs_among);
  let results = (outs FloatMatrix:$y);
  let assemblyFormat = [{
    $q `,` $s `,` $t `,` $gamma (`backward` $backward^)? (`site` $site^)? (`among` $among^)? (`outputs_among` $outputs_among^)? attr-dict `:` type($q) `,` type($s) `,` type($t) `,` type($gamma)
  }];
  let hasVerifier = 1;
}

def Nanochat_DequantizeRowsOp : Nanochat_ComputeOp<"dequantize_rows",
    [InfersTypesByLetters, HasVjp, IterationSpace<"nc", ["nc", "n"], ["nc"]>, OnCodes]> {
  let summary = "What int8 activations stand for";
  let description = [{ x (N, C) = q·s, one scale s (N) per row of q. The cotangent of q is that of x. }];
  let arguments = (ins CodeMatrix:$q, FloatVector:$s);
  let results = (outs FloatMatrix:$x);
  let assemblyFormat = "$q `,` $s attr-dict `:` type($q) `,` type($s)";
  let hasVerifier = 1;
}

def Nanochat_DequantizeWeightOp : Nanochat_ComputeOp<"dequantize_weight",
    [InfersTypes, HasVjp, Loops<"oi">, OnCodes]> {
  let summary = "What ternary weights stand for";
  let description = [{
    w (out, in) = gamma·t, one gamma per tensor or per (row, group); t may be packed if there is one. The cotangent of
    t is that of w.
  }];
  let arguments = (ins WeightCodes:$t, WeightScale:$gamma);
  let results = (outs FloatMatrix:$w);
  let assemblyFormat = "$t `,` $gamma attr-dict `:` type($t) `,` type($gamma)";
  let hasVerifier = 1;
}

#endif // NANOCHAT_OPS_QUANTIZE_TD
