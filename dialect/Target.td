#ifndef NANOCHAT_TARGET_TD
#define NANOCHAT_TARGET_TD
include "dialect/Nanochat.td"
include "dialect/Formats.td"

def Nanochat_TargetAttr : AttrDef<Nanochat_Dialect, "Target"> {
  let summary = "What a module is compiled for";
  let description = [{
    A row of the table in lib/Targets/Target.cpp, and the facts that differ from it: `#nanochat.target<"sm_90">`,
    `#nanochat.target<"x86-64-v3:vnni=true:l2_bytes=1048576">`. `nanochat.target` of the module holds it; whoever reads it says
    at the module what is no row or fact.
  }];
  let mnemonic = "target";
  let parameters = (ins StringRefParameter<"row:fact=value:...">:$row);
  let assemblyFormat = "`<` $row `>`";
}

def Nanochat_NumericsAttr : AttrDef<Nanochat_Dialect, "Numerics"> {
  let summary = "What a program rounds to what";
  let description = [{
    `backward` is what gradients of ternary linears are computed in that leave it to the target, `head` those of output heads,
    f32 or int8; `rounding` is how both are rounded, as in `#nanochat.backward`; without, those of heads are by chance. `dense` and `attention` are what factors of float products are rounded to, and of those within attention: f32 or a narrower float.
    `floats` are all others: f32, or f64 to tell rounding from error. `nanochat.numerics` of the module holds it; without, all are f32.
    ```mlir
    module attributes {nanochat.numerics = #nanochat.numerics<backward = int16, head = f32, dense = f32, attention = f32, floats = f32>} {
    ```
  }];
  let mnemonic = "numerics";
  let parameters = (ins EnumParameter<BackwardFormat>:$backward, EnumParameter<BackwardFormat>:$head,
      OptionalParameter<"std::optional<::mlir::nanochat::Rounding>">:$rounding, EnumParameter<Format>:$dense,
      EnumParameter<Format>:$attention, EnumParameter<Format>:$floats);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def DefaultValuedScale : EnumParameter<Fp4Scale> { let defaultValue = "::mlir::nanochat::Fp4Scale::floor"; }
def Nanochat_BackwardAttr : AttrDef<Nanochat_Dialect, "Backward"> {
  let summary = "What the gradients of a linear are computed in";
  let description = [{
    `dx` is of the product for the gradient of activations, `dw` for that of weights:
    - `f32`: floats, rounded to what `dense` of the numerics says.
    - `int16`, `int8`: codes with one scale per row (dx) or column (dw), `ternary_input_grad` and `ternary_weight_grad`.
    - `mxfp4`, `nvfp4`: four-bit floats in blocks, `quantize_fp4` and `block_matmul`. For dx, gradients are quantised along
      outputs; for dw, gradients and activations along tokens, both transformed by `hadamard` of that many tokens (64 in mxfp4,
      16 in nvfp4) unless it is 0; `scale` is how mxfp4 rounds scales of blocks.

    `rounding` is that of gradients in int8 and in four-bit floats: without, `nearest` in int8 and `stochastic` in four-bit floats.
    Activations are rounded to nearest.
    ```mlir
    %y = nanochat.ternary_linear %x, %w backward <dx = int8, dw = int16> : tensor<8x4xf32>, tensor<6x4xf32>
    %u = nanochat.ternary_linear %x, %w backward <dx = int8, dw = int8, rounding = stochastic> : tensor<8x4xf32>, tensor<6x4xf32>
    %z = nanochat.ternary_linear %x, %w backward <dx = mxfp4, dw = mxfp4, hadamard = 32> : tensor<32x4xf32>, tensor<32x4xf32>
    ```
  }];
  let mnemonic = "backward";
  let parameters = (ins EnumParameter<BackwardFormat>:$dx, EnumParameter<BackwardFormat>:$dw,
      OptionalParameter<"std::optional<::mlir::nanochat::Rounding>">:$rounding, DefaultValuedParameter<"int64_t", "-1">:$hadamard, DefaultValuedScale:$scale);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    bool hasFp4() const { return symbolizeFp4Format(unsigned(getDx())) || symbolizeFp4Format(unsigned(getDw())); }
    /// Are gradients in `format`, or in any of the attribute's, rounded by random numbers?
    bool draws(BackwardFormat format) const {
      bool isFp4 = symbolizeFp4Format(unsigned(format)).has_value();
      auto automatic = isFp4 ? Rounding::stochastic : Rounding::nearest;
      return (isFp4 || format == BackwardFormat::int8) && getRounding().value_or(automatic) == Rounding::stochastic;
    }
    bool draws() const { return draws(getDx()) || draws(getDw()); }
    /// Is a gradient in `dx` or `dw` rounded in one of two ways?
    static bool rounds(BackwardFormat dx, BackwardFormat dw) {
      auto isRounded = [](BackwardFormat f) { return f == BackwardFormat::int8 || symbolizeFp4Format(unsigned(f)); };
      return isRounded(dx) || isRounded(dw);
    }
    /// The same with `rounding` where it says none and something is rounded.
    BackwardAttr withRounding(std::optional<::mlir::nanochat::Rounding> rounding) const;
  }];
}

#endif
