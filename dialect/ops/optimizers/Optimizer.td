#ifndef NANOCHAT_OPS_OPTIMIZER_TD
#define NANOCHAT_OPS_OPTIMIZER_TD
include "dialect/ops/quantize/Random.td"

def Nanochat_OptimizerOp : Nanochat_Op<"optimizer", [HasParent<"ModelOp">, Structural]> {
  let summary = "Assigns an update rule to parameter roles";
  let description = [{
    `rule` names an update op of this dialect ("sgd", "adamw", "muon"); `config` holds its attributes.
    lr, weight decay and the factor on gradients (1 if absent) are the scalars that step uses.
    ```mlir
    nanochat.optimizer "adamw" for ["norm", "embedding"] lr(%lr) weight_decay(%wd)
      {config = {beta2 = 0.95 : f64}} : tensor<f32>, tensor<f32>
    ```
  }];
  let arguments = (ins StrAttr:$rule, StrArrayAttr:$roles, FloatScalar:$lr, FloatScalar:$weight_decay,
      Optional<FloatScalar>:$grad_scale, DefaultValuedAttr<DictionaryAttr, "{}">:$config);
  let assemblyFormat = [{
    $rule `for` $roles `lr` `(` $lr `)` `weight_decay` `(` $weight_decay `)`
    (`grad_scale` `(` $grad_scale^ `)`)? attr-dict
    `` custom<Types>(type($lr), type($weight_decay)) `` custom<LastType>(ref(type($lr)), ref($grad_scale), type($grad_scale))
  }];
  let hasVerifier = 1;
}

/// What rules keep: floats, or 8-bit codes and their scales.
def StateTensor : RankedTensorOf<[Float, I8]>;

def InfersUpdatedTypes : InfersTypesBy<[{
    types.push_back(adaptor.getParam().getType());
    ::llvm::append_range(types, adaptor.getStates().getTypes());
  }]>;
/// An update rule: (param, grad, lr, weight_decay, [stream,] states...) -> (param, states...). A stacked
/// parameter (L, ...) is L parameters. Rules that draw random numbers take the stream of theirs.
class Nanochat_UpdateOp<string mnemonic, list<Trait> traits = [], dag options = (ins), bit draws = false>
    : Nanochat_ComputeOp<mnemonic, !listconcat([DeclareOpInterfaceMethods<OptimizerOpInterface>,
        InfersUpdatedTypes], traits)> {
  let arguments = !con((ins FloatTensor:$param, FloatTensor:$grad, FloatScalar:$lr,
      FloatScalar:$weight_decay), !if(draws, (ins StreamWords:$stream), (ins)), (ins Variadic<StateTensor>:$states), options);
  let results = (outs FloatTensor:$new_param, Variadic<StateTensor>:$new_states);
  let assemblyFormat = "$param `,` $grad `lr` $lr `weight_decay` $weight_decay " # !if(draws, "`stream` $stream ", "") # [{
    (`states` $states^ `:` type($states))?
    attr-dict `:` type($param) `,` type($grad) `,` type($lr) `,` type($weight_decay)
  }];
}

def Nanochat_SgdOp : Nanochat_UpdateOp<"sgd", [Pointwise]> {
  let summary = "Plain gradient descent";
  let description = [{ w ← w − lr·(g + weight_decay·w). No states. }];
}

def Nanochat_LionOp : Nanochat_UpdateOp<"lion", [Pointwise], (ins
    DefaultValuedAttr<Decay, "0.9">:$beta1, DefaultValuedAttr<Decay, "0.99">:$beta2)> {
  let summary = "The sign of an interpolated momentum";
  let description = [{
    State m, of the parameter's type: w ← w − lr·(sign(beta1·m + (1−beta1)·g) + weight_decay·w) with
    sign(0) = 0, then m ← beta2·m + (1−beta2)·g. Every update has the size lr: use a tenth to a third
    of AdamW's lr and 3 to 10 times its weight decay. Chen et al., arXiv:2302.06675.
  }];
}

def Nanochat_AdamwOp : Nanochat_UpdateOp<"adamw", [Pointwise], (ins
    DefaultValuedAttr<Decay, "0.9">:$beta1, DefaultValuedAttr<Decay, "0.95">:$beta2,
    DefaultValuedAttr<Positive, "1e-8">:$eps)> {
  let summary = "Adam with decoupled weight decay";
  let description = [{
    States m, v (of the parameter's type) and count (rank 0, steps done so far). With t = count + 1:
      m ← beta1·m + (1−beta1)·g,  v ← beta2·v + (1−beta2)·g²,  count ← t,
      w ← w − lr·(m̂/(√v̂ + eps) + weight_decay·w),  m̂ = m/(1−beta1ᵗ), v̂ = v/(1−beta2ᵗ).
    Loshchilov and Hutter, arXiv:1711.05101.
  }];
}

def Nanochat_Adamw8Op : Nanochat_UpdateOp<"adamw8", [WholeTensors], (ins
    DefaultValuedAttr<Decay, "0.9">:$beta1, DefaultValuedAttr<Decay, "0.95">:$beta2,
    DefaultValuedAttr<Positive, "1e-8">:$eps,
    DefaultValuedAttr<Count, "256">:$block)> {
  let summary = "AdamW with states of 8 bits";
  let description = [{
    `adamw`, with m and v kept as codes of `quantize_blocks` (`dynamic` and `dynamic_unsigned`) over
    blocks of the flattened parameter: the largest divisor of its size in [block/2, block] is their
    length, or `block`, the last one filled up, where there is none. The update uses m and v before
    they are rounded. Two bytes per element and 8 per block instead of 8 bytes per element.
    v spans many decades, which 8 linear steps do not: hence the dynamic map (arXiv:2110.02861).
  }];
}

def Nanochat_GradNormOp : Nanochat_ComputeOp<"grad_norm", [InfersTypes, HasIterationSpace,
    DeclareOpInterfaceMethods<CostOpInterface>]> {
  let summary = "Global L2 norm of gradients";
  let description = [{
    √Σ g² over all elements of all operands, rank 0. Squares are summed along the last dimension, then
    over rows, then over operands, each in rising order, so the bits depend on shapes alone.
  }];
  let arguments = (ins Variadic<FloatTensor>:$grads);
  let results = (outs FloatScalar:$norm);
  let assemblyFormat = "$grads attr-dict `:` type($grads)";
  let hasVerifier = 1;
}

def Nanochat_ClipScaleOp : Nanochat_PointwiseOp<"clip_scale"> {
  let summary = "Factor that clips gradients to a norm";
  let description = [{ min(1, max/(norm + 1e-6)), rank 0. A norm that is not a number stays one, and shows. }];
  let arguments = (ins FloatScalar:$norm, DefaultValuedAttr<Finite, "1.0">:$max);
  let results = (outs FloatScalar:$factor);
  let assemblyFormat = "$norm attr-dict `` custom<Types>(type($norm))";
  let hasVerifier = 1;
}

def Nanochat_ScaleOp : Nanochat_ComputeOp<"scale", [HasVjp, VerifiedByOds, Pointwise, AllTypesMatch<["x", "y"]>]> {
  let summary = "Tensor times scalar";
  let description = [{ y = x·s for x of any rank and s of rank 0. Gradients: dx = dy·s, ds = Σ dy·x. }];
  let arguments = (ins FloatTensor:$x, FloatScalar:$s);
  let results = (outs FloatTensor:$y);
  let assemblyFormat = "$x `,` $s attr-dict `` custom<Types>(type($x), type($s))";
  let hasFolder = 1;
}

#endif // NANOCHAT_OPS_OPTIMIZER_TD
