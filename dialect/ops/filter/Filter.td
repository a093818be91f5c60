#ifndef NANOCHAT_OPS_FILTER_TD
#define NANOCHAT_OPS_FILTER_TD
include "dialect/Nanochat.td"

def AnyVectorOrMatrix : TensorRankOf<[Float, I32, I8], [1, 2]>;

def Nanochat_SelectRowsOp : Nanochat_ComputeOp<"select_rows", [InfersTypes, IterationSpace<"k~n", ["n"], ["k"]>]> {
  let summary = "The tokens of every sequence with the highest scores";
  let description = [{
    rows[b·keep + i] is the i-th of the `keep` tokens of sequence b, of `seq`, whose scores are highest, in rising order; of
    equal scores that of the earlier token counts as higher. A score that is no number is above all others, so that what made it is
    seen. Every sequence keeps equally many (Collider, arXiv:2502.00340, chooses over a batch; docs/rationale.md says why not here).
    ```mlir
    %rows = nanochat.select_rows %score seq = 6 keep = 4 : tensor<6xf32>  // (1, 3, 2, 3, 0, 2): 1, 2, 3, 5
    ```
  }];
  let arguments = (ins FloatVector:$scores, Count:$seq, Count:$keep);
  let results = (outs IntVector:$rows);
  let assemblyFormat = "$scores `seq` `=` $seq `keep` `=` $keep attr-dict `:` type($scores)";
  let hasVerifier = 1;
}

def Nanochat_GatherRowsOp : Nanochat_ComputeOp<"gather_rows", [VerifiedByOds, InfersTypes, HasCost, Loops<"kc~n">]> {
  let summary = "Rows of a vector or matrix, by number";
  let description = [{
    y[k, c] = x[rows[k], c], 0 where rows[k] is −1, for x (N, C) or (N) of any element type. Other numbers lie in [0, N).
  }];
  let arguments = (ins AnyVectorOrMatrix:$x, IntVector:$rows);
  let results = (outs AnyVectorOrMatrix:$y);
  let assemblyFormat = "$x `,` $rows attr-dict `:` type($x) `,` type($rows)";
}

def Nanochat_KeptAttentionGradOp : Nanochat_ComputeOp<"kept_attention_grad", [InfersTypes, HasCost,
    IterationSpace<"n~m~c", ["nc", "mc", "mc", "nc", "nc", "nc", "n"], ["nc", "nc", "nc"]>, DeclareOpInterfaceMethods<KernelOpInterface, ["isForGpus"]>]> {
  let summary = "Gradient of attention where only some tokens have one";
  let description = [{
    As `attention_grad`, where dy is 0 but for the tokens `rows` (K), equally many of each sequence and rising, and where gradients of
    the keys and values of all other tokens are dropped: q, y, dy (K, heads·D) and lse (K, heads) are those of the kept tokens, k and v
    (N, kv_heads·D) those of all, and dq (K, heads·D), dk and dv (K, kv_heads·D) gradients of the kept. Queries see all keys,
    kept or not: dq of a kept token is what it is without the filter (Collider, arXiv:2502.00340).
    It takes (3k + 2k²)/5 of what `attention_grad` does, k = K/N.
  }];
  let arguments = (ins FloatMatrix:$q, FloatMatrix:$k, FloatMatrix:$v, FloatMatrix:$y, FloatMatrix:$lse, FloatMatrix:$dy,
      IntVector:$rows, Count:$heads, Count:$kv_heads, Count:$seq);
  let results = (outs FloatMatrix:$dq, FloatMatrix:$dk, FloatMatrix:$dv);
  let assemblyFormat = [{
    $q `,` $k `,` $v `,` $y `,` $lse `,` $dy `rows` $rows `heads` `=` $heads `kv_heads` `=` $kv_heads `seq` `=` $seq
    attr-dict `:` type($q) `,` type($k) `,` type($v) `,` type($y) `,` type($lse) `,` type($dy) `,` type($rows)
  }];
  let hasVerifier = 1;
}

#endif // NANOCHAT_OPS_FILTER_TD
