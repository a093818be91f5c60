#ifndef NANOCHAT_OPS_BLOCKS_TD
#define NANOCHAT_OPS_BLOCKS_TD
include "dialect/Nanochat.td"

// What optimizers keep in 8 bits: runs of consecutive elements, one scale for each.

/// Codes of 8 bits for numbers between −1 and 1; see `quantize_blocks`.
def StateMap : I32EnumAttr<"StateMap", "how 8-bit codes stand for numbers", [
    I32EnumAttrCase<"linear", 0>, I32EnumAttrCase<"dynamic", 1>, I32EnumAttrCase<"dynamic_unsigned", 2>]> {
  let cppNamespace = "::mlir::nanochat";
}

def Nanochat_BlockOp : Nanochat_ComputeOp<"block", [HasIterationSpace]> {
  let summary = "A vector or the rows of a matrix cut into blocks of one length";
  let description = [{
    y (blocks, L) of x (n) or (m, n): each row of n elements becomes ⌈n/L⌉ blocks, the last one filled up with
    zeros. Where L divides n this is a view.
    ```mlir
    %y = nanochat.block %x : tensor<10xf32> to tensor<3x4xf32>
    ```
  }];
  let arguments = (ins AnyTypeOf<[FloatVector, FloatMatrix]>:$x);
  let results = (outs FloatMatrix:$y);
  let assemblyFormat = "$x attr-dict `:` type($x) `to` type($y)";
  let hasVerifier = 1;
}

def Nanochat_UnblockOp : Nanochat_ComputeOp<"unblock", [HasIterationSpace]> {
  let summary = "What blocks were cut from";
  let description = [{ The inverse of `block`: x (n) or (m, n) of its blocks y. What filled up the last ones is dropped. }];
  let arguments = (ins FloatMatrix:$y);
  let results = (outs AnyTypeOf<[FloatVector, FloatMatrix]>:$x);
  let assemblyFormat = "$y attr-dict `:` type($y) `to` type($x)";
  let hasVerifier = 1;
}

def Nanochat_QuantizeBlocksOp : Nanochat_ComputeOp<"quantize_blocks", [InfersTypes, HasIterationSpace]> {
  let summary = "Blocks of floats to 8-bit codes and one scale for each block";
  let description = [{
    For each row of x (blocks, L), with a = max |x|: codes (blocks, L) i8 of x/scale, and scale (blocks).
    - `linear`: scale = a/127, code = round(x·(127/a)), half to even. |x − code·scale| ≤ scale/2.
    - `dynamic`: scale = a; the nearest of 256 numbers of seven decades, as Dettmers et al.
      (arXiv:2110.02861): decade i of 0…6 holds 2ⁱ numbers 10^(i−6)·(0.1 + 0.9·(k + ½)/2ⁱ), with either
      sign, and there are 0 and 1. Code ±(2ⁱ + k), 0, and −128 for 1.
    - `dynamic_unsigned`: for x ≥ 0, twice as many numbers in each decade; code (as 8 bits without
      sign) 2·2ⁱ − 1 + k, 0, and 255 for 1.
    A block of zeros has scale 0 and codes 0. Not differentiable: states have no gradients.
  }];
  let arguments = (ins FloatMatrix:$x, StateMap:$map);
  let results = (outs TensorRankOf<[I8], [2]>:$codes, FloatVector:$scales);
  let assemblyFormat = "$map $x attr-dict `:` type($x)";
}

def Nanochat_DequantizeBlocksOp : Nanochat_ComputeOp<"dequantize_blocks", [InfersTypes, HasIterationSpace]> {
  let summary = "The floats that 8-bit codes stand for";
  let description = [{ x (blocks, L) = value(code)·scale, see `quantize_blocks`. }];
  let arguments = (ins TensorRankOf<[I8], [2]>:$codes, FloatVector:$scales, StateMap:$map);
  let results = (outs FloatMatrix:$x);
  let assemblyFormat = "$map $codes `,` $scales attr-dict `:` type($codes) `,` type($scales)";
  let hasVerifier = 1;
}

#endif // NANOCHAT_OPS_BLOCKS_TD
