#ifndef NANOCHAT_OPS_MODEL_TD
#define NANOCHAT_OPS_MODEL_TD
include "dialect/ops/model/Sizes.td"

def Init : I32EnumAttr<"Init", "how a parameter starts", [
    I32EnumAttrCase<"constant", 0>, I32EnumAttrCase<"normal", 1>]> {
  let cppNamespace = "::mlir::nanochat";
}

def Nanochat_ModelOp : Nanochat_Op<"model",
    [IsolatedFromAbove, Structural, Symbol, NoRegionArguments, NoTerminator]> {
  let summary = "A model: from tokens to objectives, and how its parameters are updated";
  let description = [{
    The `forward` region computes objectives from parameters and a batch. The `update` region runs
    once per optimizer step and assigns an update rule to every parameter role.

    ```mlir
    nanochat.model @bigram {
      %tokens, %targets = nanochat.tokens batch = 2 seq = 16
      %table = nanochat.param "table" normal(0.02) role "head" : tensor<256x256xf32>
      ...
      nanochat.objective "train" %loss : tensor<f32>
    } update {
      %lr = nanochat.scalar "lr" = 0.1 : tensor<f32>
      %wd = nanochat.scalar "weight_decay" = 0.0 : tensor<f32>
      nanochat.optimizer "sgd" for ["head"] lr(%lr) weight_decay(%wd) : tensor<f32>
    }
    ```

    A model may declare its sizes. Attributes of its ops and dimensions of its parameters are then names of them, or
    formulas of names and numbers: products, quotients, `sqrt(x)`, `max(x, y)`, `min(x, y)`, and `up(x, n)`, x rounded up to a multiple of n.
    Types follow and are not written; an op of another dialect is given `tensor<?xf32>` in their place, a constant is
    `nanochat.number`. `sizes` are whole numbers; `settings` are other numbers and words. `presets` are named changes
    of both; the first one is the default. The stage `model` makes a model of plain numbers and types of it, named
    `@mlp_small` here, with other sizes where the command line says so (`--preset=large --set d=512`).

    ```mlir
    nanochat.model @mlp sizes {d = 256, ffn = up(d * 11 / 4, 64), batch = 2, seq = 16} settings {deviation = 0.02}
        presets {small {}, large {d = 2048, deviation = 0.01}} {
      %tokens, %targets = nanochat.tokens batch = batch seq = seq
      %table = nanochat.param "table" normal(deviation) role "head" [256, d]
      ...
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, OptionalAttr<Settings>:$sizes, OptionalAttr<Settings>:$settings,
      OptionalAttr<Settings>:$presets);
  let regions = (region SizedRegion<1>:$forward, MaxSizedRegion<1>:$update);
  let hasCustomAssemblyFormat = 1;
  let hasRegionVerifier = 1; // once the ops in it are known to be right
}

/// What a model declares rather than computes: it becomes an argument or a result of the entries.
class Nanochat_DeclareOp<string mnemonic, list<Trait> traits = []>
    : Nanochat_Op<mnemonic, !listconcat([HasParent<"ModelOp">, Structural], traits)>;

def Nanochat_TokensOp : Nanochat_DeclareOp<"tokens", [InfersTypes]> {
  let summary = "A batch of token ids and the ids to predict";
  let description = [{
    Both results are (N) i32 with N = batch·seq; row b of the batch is tokens[b·seq, (b+1)·seq).
    The runtime feeds `accum` such batches per optimizer step, whose gradients are averaged.
  }];
  let arguments = (ins Count:$batch, Count:$seq, DefaultValuedAttr<Count, "1">:$accum);
  let results = (outs IntVector:$tokens, IntVector:$targets);
  let assemblyFormat = "`batch` `=` $batch `seq` `=` $seq (`accum` `=` $accum^)? attr-dict";
}

def Nanochat_TokenValuesOp : Nanochat_DeclareOp<"token_values", [InfersTypes]> {
  let summary = "Numbers for the tokens of a batch, from a file";
  let description = [{
    One number per token, of shape (N) for activations `like` of shape (N, C): "reference" is the loss in nats that a reference model has for each target of the data,
    which `<program> score` of that model wrote for `--reference` of this one, so that `nll - reference` scores tokens by what is left to
    learn of them (Rho-1, arXiv:2404.07965). Zeros where nothing is trained.
    ```mlir
    %reference = nanochat.token_values "reference" like %h : tensor<512x64xf32>
    ```
  }];
  let arguments = (ins Word:$values_name, FloatMatrix:$like);
  let results = (outs FloatVector:$values);
  let assemblyFormat = "$values_name `like` $like attr-dict `` custom<Types>(type($like))";
  let hasVerifier = 1;
}

def Nanochat_ScalarOp : Nanochat_DeclareOp<"scalar", [HasOwnShape]> {
  let summary = "A run-time scalar with a default, such as a learning rate";
  let description = [{
    Set from the command line of the compiled program. The runtime itself sets "step" (0-based
    optimizer step) and "steps" (their total).
  }];
  let arguments = (ins Word:$scalar_name, Finite:$value);
  let results = (outs FloatScalar:$result);
  let assemblyFormat = "$scalar_name `=` $value attr-dict `` custom<Types>(type($result))";
  let hasVerifier = 1;
}

def Nanochat_ParamOp : Nanochat_DeclareOp<"param", [HasOwnShape]> {
  let summary = "A trained parameter";
  let description = [{
    `role` chooses its update rule ("embedding", "matrix", "norm", "bias", "gate", "head").
    `stack` names the loop whose trip count is the leading dimension, so that
    `--set layers=48` restacks it. `normal(s)` draws mean 0 and standard deviation s;
    `constant(c)` fills. Names are unique. In a model with sizes, `[layers, d, d]` are its dimensions in place of a type.
  }];
  let arguments = (ins Name:$param_name, Init:$init, Finite:$scale, Word:$role,
      OptionalAttr<StrAttr>:$stack, OptionalAttr<Dims>:$dims);
  let results = (outs FloatTensor:$result);
  let assemblyFormat = [{
    $param_name $init `(` $scale `)` `role` $role (`stack` $stack^)? attr-dict `` custom<Shape>($dims, type($result))
  }];
  let hasVerifier = 1;
}

def Nanochat_ObjectiveOp : Nanochat_DeclareOp<"objective", [VerifiedByOds]> {
  let summary = "The loss one training phase minimises";
  let description = [{
    `trains` lists the parameter roles that the phase updates; all if absent. The default phase is "train".

    With a `filter` only those tokens have a gradient that a score, one number per token, is highest for: of every sequence
    K = the least multiple of `multiple` (16) from keep·seq on, of equal scores the earlier ones. All that the loss averages over
    tokens is averaged over these, and gradients of keys and values of the others are dropped in every layer (Collider, arXiv:2502.00340;
    docs/rationale.md), so that the backward pass takes K rows in place of seq. The forward pass, and the loss that is reported,
    are of all tokens; so are phases without a filter. `keep = 1` filters nothing.
    ```mlir
    nanochat.objective "train" %loss filter(%nll keep = 0.6) : tensor<f32>, tensor<512xf32>
    ```
  }];
  let arguments = (ins Word:$phase, FloatScalar:$loss, Optional<FloatVector>:$score, OptionalAttr<Share>:$keep,
      OptionalAttr<Count>:$multiple, OptionalAttr<StrArrayAttr>:$trains);
  let assemblyFormat = [{
    $phase $loss (`filter` `(` $score^ `keep` `=` $keep (`multiple` `=` $multiple^)? `)`)? (`trains` $trains^)? attr-dict
    `` custom<Types>(type($loss)) `` custom<LastType>(ref(type($loss)), ref($score), type($score))
  }];
  let extraClassDeclaration = [{
    /// How many tokens of each sequence of `seq` have a gradient.
    int64_t getKept(int64_t seq);
  }];
}

def Nanochat_MetricOp : Nanochat_DeclareOp<"metric"> {
  let summary = "A value reported by name";
  let description = [{
    "nll" (nats per token, (N) or (n_loops, N)) and "exit_probability" ((n_loops, N)) are known to the runtime; other
    rank-0 values are logged as they are, vectors by their elements: "mtp.1", "mtp.2", ….
  }];
  let arguments = (ins Name:$metric_name, AnyRankedTensor:$value);
  let assemblyFormat = "$metric_name $value attr-dict `` custom<Types>(type($value))";
  let extraClassDeclaration = [{
    /// Is the value one for each token, which the runtime knows by its name?
    bool isPerToken() { return getMetricName() == "nll" || getMetricName() == "exit_probability"; }
  }];
}

def Nanochat_TokenConstantOp : Nanochat_ComputeOp<"token_constant", [InfersTypes, Pointwise]> {
  let summary = "One constant per token";
  let description = [{ Shape (N) for activations `like` of shape (N, C); start values of loops over tokens. }];
  let arguments = (ins Finite:$value, FloatMatrix:$like);
  let results = (outs FloatVector:$result);
  let assemblyFormat = "$value `like` $like attr-dict `` custom<Types>(type($like))";
}

def Nanochat_NumberOp : Nanochat_ComputeOp<"number", [Pointwise, HasOwnShape]> {
  let summary = "A number that a model's sizes and settings say";
  let description = [{
    `nanochat.number sqrt(d)`, rank 0. An `arith.constant` after the stage `model`, which also drops a `scale` by 1.
  }];
  let arguments = (ins Finite:$value);
  let results = (outs FloatScalar:$result);
  let assemblyFormat = "$value attr-dict `` custom<Types>(type($result))";
}

def Nanochat_NumbersOp : Nanochat_ComputeOp<"numbers", [Pointwise, HasOwnShape]> {
  let summary = "One number for each iteration of a loop that slices them";
  let description = [{
    `nanochat.numbers [1.0, 0.5, 0.25]`, of shape (3): what `arith.constant` is where types follow from sizes, and what it becomes
    after the stage `model`.
  }];
  let arguments = (ins TypedArrayAttrBase<Finite, "numbers that are finite in f32">:$values);
  let results = (outs FloatVector:$result);
  let assemblyFormat = "$values attr-dict `` custom<Types>(type($result))";
  let hasVerifier = 1;
}

#endif // NANOCHAT_OPS_MODEL_TD
