#ifndef NANOCHAT_OPS_ATTENTION_TD
#define NANOCHAT_OPS_ATTENTION_TD
include "dialect/Nanochat.td"

def FactorMatrix : TensorRankOf<[Float, BF16], [2]>; // of products that are summed in f32, where it is bf16

def Nanochat_RopeTableOp : Nanochat_ComputeOp<"rope_table", [Pointwise, HasOwnShape, AllTypesMatch<["cos", "sin"]>]> {
  let summary = "Cosines and sines of rotary position embeddings";
  let description = [{
    cos and sin (seq, dim/2) of the angles t·theta^(−2j/dim), in radians, for position t and pair j of
    heads with `dim` channels (Su et al., arXiv 2104.09864). They depend on attributes only, so
    one pair of tables serves all layers.
  }];
  let arguments = (ins Count:$seq, Count:$dim, DefaultValuedAttr<Positive, "1e4">:$theta);
  let results = (outs FloatMatrix:$cos, FloatMatrix:$sin);
  let assemblyFormat = "`seq` `=` $seq `dim` `=` $dim (`theta` `=` $theta^)? attr-dict `` custom<Types>(type($cos))";
  let hasVerifier = 1;
}

def Nanochat_RopeOp : Nanochat_ComputeOp<"rope",
    [InfersFirstType, HasVjp, Loops<"n~c">, AllTypesMatch<["cos", "sin"]>, DeclareOpInterfaceMethods<AcrossTokensOpInterface, ["buildOnRows"]>]> {
  let summary = "Rotary position embedding, halves rotated";
  let description = [{
    In every head of x (N, heads·D), channels j and j + D/2 are one point of the plane, turned by the
    angle of position t = n mod T and pair j. With c and s from cos and sin (T, D/2) at (t, j):
    y[j] = x[j]·c − x[j + D/2]·s, y[j + D/2] = x[j + D/2]·c + x[j]·s.
    `inverse` turns back, which is also the gradient; the tables get none.
  }];
  let arguments = (ins FloatMatrix:$x, FloatMatrix:$cos, FloatMatrix:$sin, Count:$heads, UnitAttr:$inverse);
  let results = (outs FloatMatrix:$y);
  let assemblyFormat = [{
    $x `,` $cos `,` $sin `heads` `=` $heads (`inverse` $inverse^)? attr-dict
    `` custom<Types>(type($x), type($cos))
  }];
  let hasVerifier = 1;
}

def Nanochat_AttentionOp : Nanochat_ComputeOp<"attention", [DeclareOpInterfaceMethods<KernelOpInterface, ["getFactors", "roundWithin"]>, InfersTypes, HasVjp,
    DeclareOpInterfaceMethods<AcrossTokensOpInterface, ["buildKeptVJP"]>, IterationSpace<"n~m~c", ["nc", "mc", "mc"], ["nc", "nc"]>, HasCost]> {
  let summary = "Causal softmax attention within sequences";
  let description = [{
    q (N, heads·D), k and v (N, kv_heads·D), N a multiple of `seq`; query head h reads key head
    g = h / (heads / kv_heads). For tokens n and m of one sequence, m not after n:
    s[n, m, h] = (q[n, h]·k[m, g]) / √D, lse[n, h] = log Σ_m exp s[n, m, h] (N, heads),
    y[n, h] = Σ_m exp(s[n, m, h] − lse[n, h])·v[m, g] (N, heads·D).
    `lse` is what the gradient needs besides operands and y; it carries no gradient itself.
    q, k and v are of one type; where that is bf16, y and lse are f32.
    Where it is `rounded`, what multiplies v is exp(s)/2^e rounded to bf16, as tensor cores take it, and y is divided by the sum of
    exp(s)/2^e. The integer e is the least for which none is above 1; any other gives the same y, so that no order of blocks matters.
  }];
  let arguments = (ins FactorMatrix:$q, FactorMatrix:$k, FactorMatrix:$v,
      Count:$heads, Count:$kv_heads, Count:$seq, UnitAttr:$rounded);
  let results = (outs FloatMatrix:$y, FloatMatrix:$lse);
  let assemblyFormat = [{
    $q `,` $k `,` $v `heads` `=` $heads `kv_heads` `=` $kv_heads `seq` `=` $seq (`rounded` $rounded^)? attr-dict
    `` custom<Types>(type($q), type($k), type($v))
  }];
  let hasVerifier = 1;
}

def Nanochat_AttentionGradOp : Nanochat_ComputeOp<"attention_grad", [AttrSizedOperandSegments, DeclareOpInterfaceMethods<KernelOpInterface, ["getFactors", "roundWithin"]>, InfersTypes, IterationSpace<"~n~m~c", ["nc", "mc", "mc", "nc", "nc", "nc", "nc"], ["nc", "mc", "mc"]>, HasCost]> {
  let summary = "Gradient of attention";
  let description = [{
    With p = exp(s − lse) of `nanochat.attention`, formed again, and δ[n, h] = dy[n, h]·y[n, h]:
    ds[n, m, h] = p·(dy[n, h]·v[m, g] − δ[n, h]) / √D, dq[n, h] = Σ_m ds·k[m, g],
    dk[m, g] = Σ ds·q[n, h] and dv[m, g] = Σ p·dy[n, h] over tokens n and the heads h that read g.
    q, k, v and dy are of one type; where that is bf16, all else is f32.
    Either y is given or, as `delta`, δ (N, heads): it belongs to queries, and where blocks of keys are apart all would form it again.
    Where it is `rounded`, p and ds·√D are rounded to bf16 before these products, as tensor cores take them.
  }];
  let arguments = (ins FactorMatrix:$q, FactorMatrix:$k, FactorMatrix:$v, Optional<FloatMatrix>:$y, Optional<FloatMatrix>:$delta,
      FloatMatrix:$lse, FactorMatrix:$dy, Count:$heads, Count:$kv_heads, Count:$seq, UnitAttr:$rounded);
  let results = (outs FloatMatrix:$dq, FloatMatrix:$dk, FloatMatrix:$dv);
  let assemblyFormat = [{
    $q `,` $k `,` $v `,` $lse `,` $dy (`y` `=` $y^ `:` type($y))? (`delta` `=` $delta^ `:` type($delta))?
    `heads` `=` $heads `kv_heads` `=` $kv_heads `seq` `=` $seq (`rounded` $rounded^)?
    attr-dict `:` type($q) `,` type($k) `,` type($v) `,` type($lse) `,` type($dy)
  }];
  let hasVerifier = 1;
}

#endif // NANOCHAT_OPS_ATTENTION_TD
