#ifndef NANOCHAT_OPS_OPTIMIZER_TD
#define NANOCHAT_OPS_OPTIMIZER_TD
include "dialect/Nanochat.td"

def Nanochat_OptimizerOp : Nanochat_Op<"optimizer", [HasParent<"ModelOp">]> {
  let summary = "Assigns an update rule to parameter roles";
  let description = [{
    `rule` names an update op of this dialect ("sgd", "adamw", "muon"); `config` holds its attributes.
    lr and weight decay are the scalars that step uses.
    ```mlir
    nanochat.optimizer "adamw" for ["norm", "embedding"] lr(%lr) weight_decay(%wd)
      {config = {beta2 = 0.95 : f64}} : tensor<f32>, tensor<f32>
    ```
  }];
  let arguments = (ins StrAttr:$rule, StrArrayAttr:$roles, FloatScalar:$lr, FloatScalar:$weight_decay,
      DefaultValuedAttr<DictionaryAttr, "{}">:$config);
  let assemblyFormat = [{
    $rule `for` $roles `lr` `(` $lr `)` `weight_decay` `(` $weight_decay `)` attr-dict `:` type($lr) `,` type($weight_decay)
  }];
  let hasVerifier = 1;
}

/// An update rule: (param, grad, lr, weight_decay, states...) -> (param, states...).
class Nanochat_UpdateOp<string mnemonic, list<Trait> traits = []>
    : Nanochat_ComputeOp<mnemonic, !listconcat([DeclareOpInterfaceMethods<OptimizerOpInterface>,
        InfersTypes], traits)> {
  dag operands = (ins FloatTensor:$param, FloatTensor:$grad, FloatScalar:$lr,
      FloatScalar:$weight_decay, Variadic<FloatTensor>:$states);
  let arguments = operands;
  let results = (outs FloatTensor:$new_param, Variadic<FloatTensor>:$new_states);
  let assemblyFormat = [{
    $param `,` $grad `lr` $lr `weight_decay` $weight_decay (`states` $states^ `:` type($states))?
    attr-dict `:` type($param) `,` type($grad) `,` type($lr) `,` type($weight_decay)
  }];
}

def Nanochat_SgdOp : Nanochat_UpdateOp<"sgd", [Pointwise]> {
  let summary = "Plain gradient descent";
  let description = [{ w ← w − lr·(g + weight_decay·w). No states. }];
}

#endif // NANOCHAT_OPS_OPTIMIZER_TD
