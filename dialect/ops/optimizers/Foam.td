#ifndef NANOCHAT_OPS_FOAM_TD
#define NANOCHAT_OPS_FOAM_TD
include "dialect/ops/optimizers/Optimizer.td"

def Nanochat_FoamOp : Nanochat_UpdateOp<"foam", [WholeTensors], (ins
    DefaultValuedAttr<ConfinedAttr<I64Attr, [IntNonNegative, IntMaxValue<16>]>, "2">:$level,
    DefaultValuedAttr<Positive, "0.25">:$alpha,
    DefaultValuedAttr<Decay, "0.9">:$beta1, DefaultValuedAttr<Decay, "0.95">:$beta2,
    DefaultValuedAttr<Positive, "1e-8">:$eps,
    DefaultValuedAttr<StrAttr, "\"square_of_mean\"">:$variance)> {
  let summary = "Adam whose moments are kept for runs of 2^level elements";
  let description = [{
    Along the last dimension of n elements, runs of b = 2^level share their moments: states m and v (…, ⌈n/b⌉).
    With G the mean of a run of g (zeros fill up the last one), R = g − G, t steps done:
      m ← beta1·m + (1−beta1)·G,  v ← beta2·v + (1−beta2)·G²,
      w ← w − lr·(alpha·m̂/(√v̂ + eps) + weight_decay·w),
      m̂ = (m + R)/(1−beta1ᵗ), v̂ = (v + R²)/(1−beta2ᵗ), m and v repeated over their runs.
    R is formed anew in each step and kept nowhere. `variance` = "mean_of_squares" uses the mean of g² over
    the run in place of G², as the authors' code does; the default is the paper's. With level 0 and alpha 1
    it is `adamw`. The gradient enters undamped, hence alpha and the paper's high lr (0.01).
    8/2^level bytes per element. arXiv:2512.07112.
  }];
  let hasVerifier = 1;
}

#endif // NANOCHAT_OPS_FOAM_TD
