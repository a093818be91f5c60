#ifndef NANOCHAT_OPS_EMBEDDING_TD
#define NANOCHAT_OPS_EMBEDDING_TD
include "dialect/Nanochat.td"

def Nanochat_EmbeddingOp : Nanochat_ComputeOp<"embedding", [VerifiedByOds, InfersTypesByLetters, HasVjp, IterationSpace<"n+vc", ["n", "vc"], ["nc"]>]> {
  let summary = "Rows of a table, by token id";
  let description = [{ y (N, C) = table[tokens[n], c] with table (V, C). Ids lie in [0, V): the data loader checks. }];
  let arguments = (ins IntVector:$tokens, FloatMatrix:$table);
  let results = (outs FloatMatrix:$y);
  let assemblyFormat = "$tokens `,` $table attr-dict `` custom<Types>(type($tokens), type($table))";
}

def Nanochat_EmbeddingGradOp : Nanochat_ComputeOp<"embedding_grad", [IterationSpace<"+nvc", ["n", "nc"], ["vc"]>, HasCost, DeclareOpInterfaceMethods<KernelOpInterface>]> {
  let summary = "Gradient of an embedding table";
  let description = [{ dtable[v, c] = Σ over tokens n with tokens[n] = v, in rising n, of dy[n, c]. }];
  let arguments = (ins IntVector:$tokens, FloatMatrix:$dy);
  let results = (outs FloatMatrix:$dtable);
  let assemblyFormat = "$tokens `,` $dy attr-dict `:` type($tokens) `,` type($dy) `->` type($dtable)";
  let hasVerifier = 1;
}

def Nanochat_PositionEmbeddingOp
    : Nanochat_ComputeOp<"position_embedding", [InfersFirstType, HasVjp, Loops<"nc">,
      DeclareOpInterfaceMethods<AcrossTokensOpInterface, ["buildKeptVJP"]>]> {
  let summary = "Learned positions";
  let description = [{
    y[n, c] = x[n, c] + table[n mod seq, c] for x (N, C), table (P, C). N is a multiple of `seq`; table
    rows from `seq` on are for longer sequences.
  }];
  let arguments = (ins FloatMatrix:$x, FloatMatrix:$table, Count:$seq);
  let results = (outs FloatMatrix:$y);
  let assemblyFormat = "$x `,` $table `seq` `=` $seq attr-dict `` custom<Types>(type($x), type($table))";
  let hasVerifier = 1;
}

def Nanochat_PositionEmbeddingGradOp : Nanochat_ComputeOp<"position_embedding_grad", [Loops<"+nc">]> {
  let summary = "Gradient of a table of positions";
  let description = [{
    dtable[t, c] = Σ over sequences b, in rising b, of dy[b·seq + t, c]; 0 for t ≥ seq. dy (N, C), dtable (P, C).
  }];
  let arguments = (ins FloatMatrix:$dy, Count:$seq);
  let results = (outs FloatMatrix:$dtable);
  let assemblyFormat = "$dy `seq` `=` $seq attr-dict `:` type($dy) `->` type($dtable)";
  let hasVerifier = 1;
}

#endif // NANOCHAT_OPS_EMBEDDING_TD
