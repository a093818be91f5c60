#ifndef NANOCHAT_OPS_GROUP_TD
#define NANOCHAT_OPS_GROUP_TD
include "dialect/Nanochat.td"
include "dialect/ops/quantize/Random.td"

// Layers that ranks compute together. A *group* is `among` consecutive ranks with the same batch: number r of them has part r of
// heads, channels or words, and what they have in common they all have in the same bits.

def Nanochat_GroupRankOp : Nanochat_Op<"group_rank", [Pure, Structural]> {
  let summary = "Which of its group this rank is";
  let description = [{
    The program's input "rank" modulo `among`. Stands for that in a model; --nanochat-distribute says what it is.
    ```mlir
    %rank = nanochat.group_rank among 2
    ```
  }];
  let arguments = (ins Count:$among);
  let results = (outs IntScalar:$rank);
  let assemblyFormat = "`among` $among attr-dict";
}

def Nanochat_PartOp : Nanochat_ComputeOp<"part", [InfersTypes, HasVjp, WholeTensors]> {
  let summary = "A rank's part of a tensor";
  let description = [{
    With n the size of x along `dim` and p = ⌈n/`among`⌉: elements `rank`·p … of x along `dim`, p of them, zeros behind the last. Where `among` does not divide
    n, `dim` is 0. dx = `join_parts` of the cotangents of all parts.
    ```mlir
    %w = nanochat.part %W at %rank dim 1 among 2 : tensor<3x8x4xf32>
    ```
  }];
  let arguments = (ins AnyStaticShapeTensor:$x, IntScalar:$rank, Natural:$dim, Count:$among);
  let results = (outs AnyStaticShapeTensor:$part);
  let assemblyFormat = "$x `at` $rank `dim` $dim `among` $among attr-dict `:` type($x)";
  let hasVerifier = 1;
}

def Nanochat_JoinPartsOp : Nanochat_ComputeOp<"join_parts", [WholeTensors]> {
  let summary = "The tensor that the ranks of a group have parts of";
  let description = [{
    x of which `part` is the `part` along `dim` in each rank of the group: an all-gather.
    ```mlir
    %W = nanochat.join_parts %w dim 1 among 2 : tensor<3x4x4xf32> -> tensor<3x8x4xf32>
    ```
  }];
  let arguments = (ins AnyStaticShapeTensor:$part, Natural:$dim, Count:$among);
  let results = (outs AnyStaticShapeTensor:$x);
  let assemblyFormat = "$part `dim` $dim `among` $among attr-dict `:` type($part) `->` type($x)";
  let hasVerifier = 1;
}

def GroupReduction : I32EnumAttr<"GroupReduction", "what becomes of the elements of the ranks of a group", [
    I32EnumAttrCase<"sum", 0>, I32EnumAttrCase<"maximum", 1>]> {
  let cppNamespace = "::mlir::nanochat";
}

def Nanochat_GroupReduceOp : Nanochat_ComputeOp<"group_reduce", [SameOperandsAndResultType, WholeTensors]> {
  let summary = "The sum, or the maximum, of the tensors of a group's ranks";
  let description = [{
    y = x of rank 0 ∘ x of rank 1 ∘ …, in a binary tree of neighbours; the same bits in each rank of the group. What the other ranks have is exchanged,
    and each adds it up: all of it where they are two or it is little, else a slice each.
    ```mlir
    %y = nanochat.group_reduce sum %x among 2 : tensor<4x3xi32>
    ```
  }];
  let arguments = (ins GroupReduction:$reduction, AnyStaticShapeTensor:$x, Count:$among);
  let results = (outs AnyStaticShapeTensor:$y);
  let assemblyFormat = "$reduction $x `among` $among attr-dict `:` type($x)";
}

def Nanochat_ToGroupOp : Nanochat_PointwiseOp<"to_group", [HasVjp]> {
  let summary = "What all ranks of a group have, and each uses for its part";
  let description = [{
    y = x. dx is the sum of the cotangents of the ranks of the group, `group_reduce`: each knows what follows from its part.
    ```mlir
    %y = nanochat.to_group %x among 2 : tensor<4x3xf32>
    ```
  }];
  let arguments = (ins FloatTensor:$x, Count:$among);
  let results = (outs FloatTensor:$y);
  let assemblyFormat = "$x `among` $among attr-dict `:` type($x)";
}

#endif // NANOCHAT_OPS_GROUP_TD
