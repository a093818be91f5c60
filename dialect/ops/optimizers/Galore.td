#ifndef NANOCHAT_OPS_GALORE_TD
#define NANOCHAT_OPS_GALORE_TD
include "dialect/ops/optimizers/LowRank.td"

/// The rule that runs on projected gradients.
def GaloreBase : I32EnumAttr<"GaloreBase", "which rule updates in the low-rank space", [
    I32EnumAttrCase<"sgd", 0>, I32EnumAttrCase<"adam", 1>, I32EnumAttrCase<"adam8", 2>, I32EnumAttrCase<"muon", 3>]> {
  let cppNamespace = "::mlir::nanochat";
}

def Nanochat_GaloreOp : Nanochat_UpdateOp<"galore", [WholeTensors, DeclareOpInterfaceMethods<CostOpInterface>,
    DeclareOpInterfaceMethods<OptimizerOpInterface, ["getGradientType"]>,
    DeclareOpInterfaceMethods<ProjectingOptimizerOpInterface>], (ins
    DefaultValuedAttr<Count, "128">:$rank,
    DefaultValuedAttr<Positive, "0.25">:$alpha,
    DefaultValuedAttr<Count, "200">:$period,
    DefaultValuedAttr<StrAttr, "\"adam\"">:$base,
    DefaultValuedAttr<Decay, "0.9">:$beta1, DefaultValuedAttr<Decay, "0.95">:$beta2,
    DefaultValuedAttr<Positive, "1e-8">:$eps,
    DefaultValuedAttr<Decay, "0.95">:$momentum,
    DefaultValuedAttr<Count, "256">:$block,
    DefaultValuedAttr<Natural, "10">:$oversample,
    DefaultValuedAttr<Natural, "1">:$iterations,
    DefaultValuedAttr<StrAttr, "\"none\"">:$clip)> {
  let summary = "GaLore 2: an update rule in the space of the leading singular vectors of the gradient";
  let description = [{
    For each (m, n) matrix w of the parameter, r = min(rank, m, n) and a basis P of `low_rank_basis`:
    the gradient comes as R = PᵀG (r, n) where m ≤ n, P (m, r), else as R = G·P (m, r), P (n, r). `base` makes
    a direction N of R with states of its shape:
      sgd: R; adam: m̂/(√v̂ + eps) as `adamw`; adam8: the same with states as `adamw8`;
      muon: 0.2·√max(m, n)·NS of the Nesterov momentum of R, as `muon`.
      w ← w − lr·(alpha·P·N + weight_decay·w), or N·Pᵀ.
    One-sided, as the paper; moments are kept across a new basis, not turned. alpha multiplies the update,
    so lr is that of the base divided by alpha. States: basis, those of the base, count.

    The basis is taken in the gradient entry (--nanochat-project-gradients): for every matrix at step 0, then once in
    `period` steps, spread over the matrices so that hardly a step takes more than one; the one being taken is the
    only whole gradient in memory. `clip` = "projected" says that a global norm is meant as that of projected
    gradients; a rule that scales gradients by it must say so.
    Zhao et al., arXiv:2403.03507; Su et al., arXiv:2504.20437.
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    static int64_t getParamRank() { return 2; }
    /// `base`, which the verifier has seen to be one.
    ::mlir::nanochat::GaloreBase getRule() { return *::mlir::nanochat::symbolizeGaloreBase(getBase()); }
  }];
}

#endif // NANOCHAT_OPS_GALORE_TD
