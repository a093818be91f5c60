#ifndef NANOCHAT_OPS_FP4_TD
#define NANOCHAT_OPS_FP4_TD
include "dialect/ops/quantize/Quantize.td"
include "dialect/ops/quantize/Random.td"

// Four-bit floats, E2M1: MXFP4 (OCP MX; arXiv:2502.20586) and NVFP4 (arXiv:2509.25149). A code is twice a number, 0, ±1, ±2,
// ±3, ±4, ±6, ±8 or ±12, in a byte. Blocks of codes along what a product sums over share a scale: in mxfp4 32 of them a power
// of two (E8M0, whose byte 0 stands for 0), in nvfp4 16 of them an E4M3 number, and the tensor another.

def BlockScales : TensorRankOf<[I8, F8E4M3FN, AnyFloat], [2]>;
/// The dimension of a matrix along which blocks lie.
def BlockAxis : ConfinedAttr<I64Attr, [IntNonNegative, IntMaxValue<1>]>;

def Nanochat_HadamardOp : Nanochat_ComputeOp<"hadamard", [InfersFirstType, Loops<"~nc">,
    DeclareOpInterfaceMethods<KernelOpInterface>]> {
  let summary = "Signed Hadamard transform of runs of rows";
  let description = [{
    Each run of `run` consecutive rows of x (N, C), a power of two up to 128 that divides N, is multiplied by signs, the same in
    every run, and transformed: for h = 1, 2, 4, …, run/2 rows i and i + h, with bit h of i clear, become their sum and their
    difference. Not normalised: H·Hᵀ = run. Sign j is −1 where word 0 of Philox4x32-10 of counter (j, 0, 0, 0) and key
    (0, 0) is odd. Two matrices so transformed have run times the product over rows that they had.
  }];
  let arguments = (ins FloatMatrix:$x, ConfinedAttr<I64Attr, [IntPositive]>:$run);
  let results = (outs FloatMatrix:$y);
  let assemblyFormat = "$x `run` `=` $run attr-dict `:` type($x)";
  let hasVerifier = 1;
}

def Nanochat_TensorScaleOp : Nanochat_ComputeOp<"tensor_scale", [InfersTypesByLetters, IterationSpace<"~n~c", ["nc"], [""]>]> {
  let summary = "The scale that a whole tensor has in nvfp4";
  let description = [{ s = min(2688/a, the largest f32) with a = max |x|, or 1 where a is 0. (2688 = 6·448.) }];
  let arguments = (ins FloatMatrix:$x);
  let results = (outs FloatScalar:$s);
  let assemblyFormat = "$x attr-dict `:` type($x)";
}

def Nanochat_QuantizeFp4Op : Nanochat_ComputeOp<"quantize_fp4", [InfersTypes, HasIterationSpace,
    AttrSizedOperandSegments, DeclareOpInterfaceMethods<KernelOpInterface>]> {
  let summary = "Floats to four-bit codes, with a scale per block";
  let description = [{
    Codes (N, C) and scales of x (N, C): blocks lie along dimension `axis`, whose length they divide; scales have that
    many in its place. `packed`, they are what `fp4_matmul` takes, K the length of `axis` and L the other: pairs of codes
    (L, K/2) as of `pack_fp4` and scales (L, K/block). In `panels`, along rows, codes are b of `block_matmul` as products of
    CPUs read it: those of x transposed in the order of `pack_panels`, but 128 more than they are. With `run`, along rows in mxfp4, x is `hadamard` of what is given. With m the largest |x| of a block:
    - mxfp4: 2^e with e = ⌊log2 m⌋ − 2, or with `scale` up the least e for which m ≤ 6·2^e; x/2^e. Blocks whose e is
      below −126 are zeros. Not finite ones have the byte 255.
    - nvfp4, with s of `tensor_scale`: d = E4M3(min(m·(s·(1/6)), 448)); x·(s/d), 0 where d is 0.

    What is above 6 becomes 6. The rest is rounded to nearest, ties to even, or with `draws` up by chance: between
    neighbours if half/65536 is less than the fraction. mxfp4 rounded down by `floor` is then multiplied by ¾ first, so that
    nothing is above 6; whoever multiplies by it makes up by 4/3. Eight consecutive elements along the axis share a Philox
    block: element j of it takes the low (j even) or high 16 bits of word j div 2. Blocks are numbered row-major.
  }];
  let arguments = (ins Fp4Format:$format, FloatMatrix:$x, BlockAxis:$axis,
      DefaultValuedAttr<Fp4Scale, "Fp4Scale::floor">:$scale,
      DefaultValuedAttr<ConfinedAttr<I64Attr, [IntNonNegative]>, "0">:$run,
      UnitAttr:$packed, UnitAttr:$panels, Optional<FloatScalar>:$tensor_scale, Optional<AddressWords>:$draws);
  let results = (outs WeightCodes:$codes, BlockScales:$scales);
  let assemblyFormat = [{
    $format $x `axis` `=` $axis (`run` `=` $run^)? (`scale` $scale^)? (`packed` $packed^)? (`panels` $panels^)?
    (`tensor` $tensor_scale^ `:` type($tensor_scale))? (`draws` $draws^)? attr-dict `:` type($x)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// What the product of these codes is to be multiplied by, beside the scales.
    double getFactor();
  }];
}

def Nanochat_BlockMatmulOp : Nanochat_ComputeOp<"block_matmul", [InfersTypes, Loops<"mn+k">,
    AttrSizedOperandSegments, DeclareOpInterfaceMethods<KernelOpInterface>]> {
  let summary = "Product of codes whose scales change along what is summed over";
  let description = [{
    y (M, N) = factor·Σ_g ((Σ_{k in block g} a·b in int32)·(s_a·s_b)), the sum over blocks of `block` consecutive k in float
    and in rising order; k is of no other use. a (M, K), or (K, M) with trans_a; b (K, N), or (N, K) with trans_b, or codes
    of weights (out, in) in panels; panels that have scales are those of `quantize_fp4`. Scales s_a, s_b have K/block in place
    of K, but of b in panels (K/block, N): bytes of E8M0, E4M3 or floats; what has
    none has 1. Codes of a, and of b where it is no weights in panels, are no larger than `limit`; where that is 12, those with scales are of
    `quantize_fp4`, others ternary. `site` names whose gradient it is,
    for the plan.
  }];
  let arguments = (ins CodeMatrix:$a, Optional<BlockScales>:$a_scales, WeightCodes:$b, Optional<BlockScales>:$b_scales,
      FloatScalar:$factor, ConfinedAttr<I64Attr, [IntPositive]>:$block, UnitAttr:$trans_a, UnitAttr:$trans_b,
      OptionalAttr<StrAttr>:$site, DefaultValuedAttr<ConfinedAttr<I64Attr, [IntPositive, IntMaxValue<128>]>, "128">:$limit);
  let results = (outs FloatMatrix:$y);
  let assemblyFormat = [{
    $a (`trans_a` $trans_a^)? (`scaled` $a_scales^ `:` type($a_scales))? `,` $b (`trans_b` $trans_b^)?
    (`scaled` $b_scales^ `:` type($b_scales))? `,` $factor `block` `=` $block (`limit` `=` $limit^)? (`site` $site^)?
    attr-dict `:` type($a) `,` type($b) `,` type($factor)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The format of b's elements, and whether its scales are (K/block, N).
    Format getFormatOfB();
    bool hasScalesAcrossB();
  }];
}

def Nanochat_PackFp4Op : Nanochat_ComputeOp<"pack_fp4", [InfersTypes, Loops<"nc">,
    DeclareOpInterfaceMethods<KernelOpInterface>]> {
  let summary = "Four-bit codes, two in a byte";
  let description = [{
    Of codes with K of them along `axis` and L along the other dimension: pairs (L, K/2), K even. Byte j of a row holds code 2j in
    its low bits and 2j + 1 in its high ones, each as E2M1: its sign, then two bits of exponent and one of fraction. What is
    no code becomes another number.
  }];
  let arguments = (ins CodeMatrix:$codes, BlockAxis:$axis);
  let results = (outs CodeMatrix:$pairs);
  let assemblyFormat = "$codes `axis` `=` $axis attr-dict `:` type($codes)";
  let hasVerifier = 1;
}

def Nanochat_Fp4MatmulOp : Nanochat_ComputeOp<"fp4_matmul", [InfersTypes, HasCost, Loops<"mn+k">,
    AttrSizedOperandSegments, DeclareOpInterfaceMethods<KernelOpInterface>]> {
  let summary = "Product of four-bit floats scaled in blocks, as tensor cores multiply them";
  let description = [{
    y (M, N) = Σ_k (a·s_a)·(b·s_b), summed in f32 in any order, of pairs a (M, K/2) and b (N, K/2) of `pack_fp4`, which stand for
    half of their codes. Scales are (M, K/block) and (N, K/block), of 32 in mxfp4 and 16 in nvfp4; what has none has 1. Rows
    are whole 16 bytes: K is a multiple of 32. PTX ISA 9.7.14.3, kinds mxf4 and mxf4nvf4.
  }];
  let arguments = (ins Fp4Format:$format, CodeMatrix:$a, Optional<BlockScales>:$a_scales, CodeMatrix:$b,
      Optional<BlockScales>:$b_scales);
  let results = (outs TensorRankOf<[F32], [2]>:$y);
  let assemblyFormat = [{
    $format $a (`scaled` $a_scales^ `:` type($a_scales))? `,` $b (`scaled` $b_scales^ `:` type($b_scales))?
    attr-dict `:` type($a) `,` type($b)
  }];
  let hasVerifier = 1;
}

#endif // NANOCHAT_OPS_FP4_TD
