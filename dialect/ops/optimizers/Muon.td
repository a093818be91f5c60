#ifndef NANOCHAT_OPS_MUON_TD
#define NANOCHAT_OPS_MUON_TD
include "dialect/ops/optimizers/Optimizer.td"

def Nanochat_NewtonSchulzOp : Nanochat_ComputeOp<"newton_schulz", [InfersTypesByLetters, IterationSpace<"~m~n", ["mn"], ["mn"]>,
    DeclareOpInterfaceMethods<CostOpInterface>]> {
  let summary = "Nearly orthogonal matrix with the singular vectors of another";
  let description = [{
    X₀ = g/(‖g‖_F + eps), then `steps` times K = X·Xᵀ, X ← a·X + (b·K + c·K²)·X. Every singular value
    σ of g/‖g‖_F becomes φ(φ(…σ)) with φ(x) = a·x + b·x³ + c·x⁵: after 5 steps 0.68 to 1.21 for
    σ ≥ 0.003. Where g has more rows than columns, K = Xᵀ·X multiplies from the right: the same map
    of the transpose. Not differentiable in practice, so it has no gradient.

    ```mlir
    %o = nanochat.newton_schulz %g {steps = 5} : tensor<64x32xf32>
    ```
  }];
  let arguments = (ins FloatMatrix:$g,
      DefaultValuedAttr<Count, "5">:$steps,
      DefaultValuedAttr<Finite, "3.4445">:$a, DefaultValuedAttr<Finite, "-4.7750">:$b,
      DefaultValuedAttr<Finite, "2.0315">:$c, DefaultValuedAttr<NonNegative, "1e-7">:$eps);
  let results = (outs FloatMatrix:$o);
  let assemblyFormat = "$g attr-dict `:` type($g)";
}

def Nanochat_MuonOp : Nanochat_UpdateOp<"muon", [WholeTensors,
    DeclareOpInterfaceMethods<CostOpInterface>], (ins
    DefaultValuedAttr<Decay, "0.95">:$momentum, DefaultValuedAttr<BoolAttr, "true">:$nesterov,
    DefaultValuedAttr<Count, "5">:$ns_steps,
    DefaultValuedAttr<Positive, "1e-7">:$eps)> {
  let summary = "Momentum, orthogonalised";
  let description = [{
    For each (A, B) matrix of the parameter, with state M, `momentum` μ and NS = newton_schulz:
      M ← μ·M + g,  U = g + μ·M if `nesterov`, else M,
      w ← w − lr·(0.2·√max(A, B)·NS(U) + weight_decay·w).
    The factor gives updates the root mean square of AdamW's, so both share lr and weight decay
    (Moonlight, arXiv:2502.16982). For hidden matrices (A, B) or stacks (L, A, B) of them; other
    parameters belong to AdamW.
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{ static int64_t getParamRank() { return 2; } }];
}

def Nanochat_Muon8Op : Nanochat_UpdateOp<"muon8", [WholeTensors,
    DeclareOpInterfaceMethods<CostOpInterface>], (ins
    DefaultValuedAttr<Decay, "0.95">:$momentum, DefaultValuedAttr<BoolAttr, "true">:$nesterov,
    DefaultValuedAttr<Count, "5">:$ns_steps,
    DefaultValuedAttr<Positive, "1e-7">:$eps,
    DefaultValuedAttr<Count, "2048">:$block)> {
  let summary = "Muon with momentum of 8 bits";
  let description = [{
    `muon`, with M kept as `linear` codes of `quantize_blocks` over blocks of the flattened parameter
    (lengths as in `adamw8`): 1 byte per element and 4 per block instead of 4 bytes. U is made of M
    before it is rounded; O is never rounded. Linear steps suffice because orthogonalisation does not
    divide by what they round (Gupta et al., arXiv:2509.23106).
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{ static int64_t getParamRank() { return 2; } }];
}

#endif // NANOCHAT_OPS_MUON_TD
