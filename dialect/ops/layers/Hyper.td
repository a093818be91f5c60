#ifndef NANOCHAT_OPS_HYPER_TD
#define NANOCHAT_OPS_HYPER_TD
include "dialect/Nanochat.td"
include "mlir/IR/EnumAttr.td"

// Hyper-connections: n residual streams of C channels side by side, x (N, n·C), stream i in channels i·C to (i + 1)·C − 1.
// mHC (arXiv:2512.24880), mHC-lite (arXiv:2601.05732), plain ones (arXiv:2409.19606).

/// What the matrix that mixes streams is made of its logits by.
def HyperKind : I32EnumAttr<"HyperKind", "a kind of mixing matrices", [
    I32EnumAttrCase<"sinkhorn", 0>, I32EnumAttrCase<"permutation", 1>, I32EnumAttrCase<"none", 2>]> {
  let cppNamespace = "::mlir::nanochat";
}

def Nanochat_CopyStreamsOp : Nanochat_ComputeOp<"copy_streams", [InfersTypes, HasVjp, Loops<"nc">]> {
  let summary = "Streams that begin as copies";
  let description = [{ x (N, n·C) of h (N, C): n = `streams` copies of it. dh is the sum of the streams' gradients. }];
  let arguments = (ins FloatMatrix:$h, Count:$streams);
  let results = (outs FloatMatrix:$x);
  let assemblyFormat = "$h `streams` `=` $streams attr-dict `` custom<Types>(type($h))";
}

def Nanochat_CollapseStreamsOp : Nanochat_ComputeOp<"collapse_streams", [InfersTypes, HasVjp, Loops<"n+c">]> {
  let summary = "The sum or the mean of streams";
  let description = [{ h (N, C) = Σ_i of the n = `streams` streams of x (N, n·C), or with `mean` an n-th of it. }];
  let arguments = (ins FloatMatrix:$x, Count:$streams, UnitAttr:$mean);
  let results = (outs FloatMatrix:$h);
  let assemblyFormat = "$x `streams` `=` $streams (`mean` $mean^)? attr-dict `` custom<Types>(type($x))";
  let hasVerifier = 1;
}

def Nanochat_MixStreamsOp : Nanochat_ComputeOp<"mix_streams", [InfersTypes, HasVjp, Loops<"nc+i">]> {
  let summary = "What a sub-layer reads of the streams";
  let description = [{ y[t, c] = Σ_i pre[t, i]·x[t, i·C + c] with x (N, n·C), pre (N, n), y (N, C). }];
  let arguments = (ins FloatMatrix:$x, FloatMatrix:$pre);
  let results = (outs FloatMatrix:$y);
  let assemblyFormat = "$x `,` $pre attr-dict `` custom<Types>(type($x), type($pre))";
  let hasVerifier = 1;
}

def Nanochat_UpdateStreamsOp : Nanochat_ComputeOp<"update_streams", [InfersFirstType, HasVjp, Loops<"nc+i">]> {
  let summary = "Streams, mixed, and what a sub-layer adds to them";
  let description = [{
    out[t, j·C + c] = Σ_i res[t, j·n + i]·x[t, i·C + c] + post[t, j]·y[t, c] with x (N, n·C), res (N, n²), post (N, n), y (N, C):
    old streams are mixed, then the new output is added, H_res·x + H_postᵀ·F (arXiv:2512.24880, eq. 3).
  }];
  let arguments = (ins FloatMatrix:$x, FloatMatrix:$res, FloatMatrix:$post, FloatMatrix:$y);
  let results = (outs FloatMatrix:$out);
  let assemblyFormat = [{
    $x `,` $res `,` $post `,` $y attr-dict `` custom<Types>(type($x), type($res), type($post), type($y))
  }];
  let hasVerifier = 1;
}

def Nanochat_HyperCoefficientsOp : Nanochat_ComputeOp<"hyper_coefficients", [InfersTypes, HasVjp, Loops<"nk+c">, AttrSizedOperandSegments]> {
  let summary = "How a sub-layer reads and writes streams, for every token";
  let description = [{
    Of streams x (N, n·C) the logits l (N, L) are `bias` (L), the same for all tokens, or with phi (L, n·C) and alpha (3)
    alpha[g]·(x̂·phiᵀ) + bias, with x̂ = x/sqrt(mean x² + 1e-20) per token and g = 0 for the first n logits, 1 for the next n, 2 for
    the rest. pre (N, n) = σ of the first n, post (N, n) = 2·σ of the next n, res (N, n²) of the rest, row-major:
    - `sinkhorn`: n² of them, the matrix of exp l after `iterations` of dividing columns, then rows, by their sums: rows sum to 1. Logits more
      than 70 below the largest of their column count as that.
    - `permutation`: n! of them, n ≤ 5: Σ_p softmax(l)[p]·P_p over permutations in lexicographic order, P_p[i, p(i)] = 1.
    - `none`: n² of them, as they are; pre and post are the logits, too.
    Gradients go through the iterations.
  }];
  let arguments = (ins FloatMatrix:$x, FloatVector:$bias, Optional<FloatMatrix>:$phi, Optional<FloatVector>:$alpha, HyperKind:$kind,
      Count:$streams, DefaultValuedAttr<Count, "20">:$iterations);
  let results = (outs FloatMatrix:$pre, FloatMatrix:$post, FloatMatrix:$res);
  let assemblyFormat = [{
    $kind $x `,` $bias (`phi` $phi^ `,` $alpha)? `streams` `=` $streams (`iterations` `=` $iterations^)? attr-dict
    `` custom<Types>(type($x), type($bias)) `` custom<LastType>(ref(type($x)), ref($phi), type($phi))
    `` custom<LastType>(ref(type($x)), ref($alpha), type($alpha))
  }];
  let hasVerifier = 1;
}

#endif // NANOCHAT_OPS_HYPER_TD
