#ifndef NANOCHAT_OPS_PHASE_TD
#define NANOCHAT_OPS_PHASE_TD
include "dialect/Nanochat.td"

// What happens to parameters between phases of training.

/// Marks ops that make of one parameter another of its type, between two phases of training.
def RewritesParameter : NativeOpTrait<"RewritesParameterOp"> { let cppNamespace = "::mlir::nanochat"; }

def Nanochat_PhaseOp : Nanochat_Op<"phase", [HasParent<"ModelOp">, Structural]> {
  let summary = "Something that is done to parameters between two phases of training";
  let description = [{
    Makes an entry "phase.<name>" that applies `rule`, an op of this dialect with the trait RewritesParameter
    ("fire"), to every parameter of `roles`; `config` holds its attributes. `train --at STEP:<name>` runs it.
    ```mlir
    nanochat.phase "fire" rule "fire" for ["matrix"] {config = {steps = 10}}
    ```
  }];
  let arguments = (ins Word:$phase_name, StrAttr:$rule, StrArrayAttr:$roles, DefaultValuedAttr<DictionaryAttr, "{}">:$config);
  let assemblyFormat = "$phase_name `rule` $rule `for` $roles attr-dict";
  let hasVerifier = 1;
}

def Nanochat_FireOp : Nanochat_ComputeOp<"fire", [InfersFirstType, WholeTensors, RewritesParameter,
    DeclareOpInterfaceMethods<CostOpInterface>]> {
  let summary = "The nearest isometry of weights, up to scale";
  let description = [{
    For each (out, in) matrix W of x: √(out/in)·X after `steps` of X ← 1.5·X − 0.5·X·Xᵀ·X from X = W/‖W‖_F, the
    cubic `newton_schulz`. Singular values σ/‖W‖_F become φ(…φ(σ)) with φ(x) = 1.5·x − 0.5·x³, which never exceed 1
    and reach it in about log₁.₅(1/σ) + 3 steps: 10 steps bring .01 to .529, .05 to .9995. Restores the ability to
    learn of weights before data change. Where weights are ternary this is done to the latent ones, whose scale
    follows. FIRE, arXiv:2602.08040.
  }];
  let arguments = (ins FloatTensor:$w, DefaultValuedAttr<Count, "10">:$steps);
  let results = (outs FloatTensor:$x);
  let assemblyFormat = "$w attr-dict `:` type($w)";
  let hasVerifier = 1;
}

#endif // NANOCHAT_OPS_PHASE_TD
