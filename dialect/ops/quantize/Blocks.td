#ifndef NANOCHAT_OPS_BLOCKS_TD
#define NANOCHAT_OPS_BLOCKS_TD
include "dialect/Nanochat.td"
include "dialect/Formats.td"

// What optimizers keep in few bits: runs of consecutive elements, one scale for each.

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

/// Codes (blocks, L), stored as their format says.
def BlockCodes : TensorRankOf<[AnyType], [2]>;

def Nanochat_QuantizeBlocksOp : Nanochat_ComputeOp<"quantize_blocks", [InfersTypes, IterationSpace<"n~c", ["nc"], ["nc", "n"]>]> {
  let summary = "Blocks of floats to codes and one scale for each block";
  let description = [{
    For each row of x (blocks, L), with a = max |x| and M the largest number of `format`: codes (blocks, L), the elements of the
    format nearest to x·(M/a), and scale (blocks) = a/M.
    - `int8`, `int16`: M = 127 and 32767, half to even. |x − code·scale| ≤ scale/2.
    - `e4m3`: M = 448.
    - `dynamic`: M = 1; the nearest of 256 numbers of seven decades, as Dettmers et al.
      (arXiv:2110.02861): decade i of 0…6 holds 2ⁱ numbers 10^(i−6)·(0.1 + 0.9·(k + ½)/2ⁱ), with either
      sign, and there are 0 and 1. Code ±(2ⁱ + k), 0, and −128 for 1.
    - `dynamic_unsigned`: M = 1; for x ≥ 0, twice as many numbers in each decade; code (as 8 bits without
      sign) 2·2ⁱ − 1 + k, 0, and 255 for 1.
    A block of zeros has scale 0 and codes 0. Not differentiable: states have no gradients.
  }];
  let arguments = (ins FloatMatrix:$x, Format:$format);
  let results = (outs BlockCodes:$codes, FloatVector:$scales);
  let assemblyFormat = "$format $x attr-dict `:` type($x)";
  let hasVerifier = 1;
}

def Nanochat_DequantizeBlocksOp : Nanochat_ComputeOp<"dequantize_blocks", [InfersTypes, IterationSpace<"nc", ["nc", "n"], ["nc"]>]> {
  let summary = "The floats that codes stand for";
  let description = [{ x (blocks, L) = value(code)·scale, see `quantize_blocks`. }];
  let arguments = (ins BlockCodes:$codes, FloatVector:$scales, Format:$format);
  let results = (outs FloatMatrix:$x);
  let assemblyFormat = "$format $codes `,` $scales attr-dict `:` type($codes) `,` type($scales)";
  let hasVerifier = 1;
}

#endif // NANOCHAT_OPS_BLOCKS_TD
