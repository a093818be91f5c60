#ifndef NANOCHAT_OPS_FP4_REGION_TD
#define NANOCHAT_OPS_FP4_REGION_TD
include "dialect/Nanochat.td"
include "dialect/Formats.td"

def Nanochat_Fp4RegionOp : Nanochat_Op<"fp4_region", [RecursiveMemoryEffects, RecursivelySpeculatable, SingleBlock,
    NoRegionArguments, Structural]> {
  let summary = "Linears that are computed in four-bit floats";
  let description = [{
    The products `gemms` of all linears in the body that say no `backward` (or, dense ones, `forward`) of their own, nor are in
    another region, are of `format`: of gradients `dx` for activations and `dw` for weights, and `y`, the own product of dense linears. The others are
    the target's, of dense linears floats. `rounding`, `hadamard` and `scale` are those of `#nanochat.backward`; `dge`, `clip` and `occ` are those of
    `linear`. The stage `model` writes them on the linears and dissolves the region.

    ```mlir
    %y = nanochat.fp4_region format = mxfp4 gemms = [dw] hadamard = 32 {
      %a = nanochat.ternary_linear %x, %w : tensor<64x32xf32>, tensor<32x32xf32>
      nanochat.yield %a : tensor<64x32xf32>
    }
    ```
    Results are what the body yields.
  }];
  let arguments = (ins Fp4Format:$format,
      DefaultValuedAttr<LinearGemms,
        "::mlir::nanochat::LinearGemms::dx | ::mlir::nanochat::LinearGemms::dw">:$gemms,
      OptionalAttr<Rounding>:$rounding,
      DefaultValuedAttr<I64Attr, "-1">:$hadamard,
      DefaultValuedAttr<Fp4Scale, "::mlir::nanochat::Fp4Scale::floor">:$scale,
      OptionalAttr<NonNegative>:$dge, OptionalAttr<Positive>:$clip, OptionalAttr<Decay>:$occ);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `format` `=` $format (`gemms` `=` custom<Gemms>($gemms)^)? (`rounding` `=` $rounding^)? (`hadamard` `=` $hadamard^)?
    (`scale` `=` $scale^)? (`dge` `=` $dge^)? (`clip` `=` $clip^)? (`occ` `=` $occ^)? attr-dict-with-keyword custom<YieldingBody>($body, type($results))
  }];
  let hasVerifier = 1;
}

#endif // NANOCHAT_OPS_FP4_REGION_TD
