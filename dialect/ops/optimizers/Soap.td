#ifndef NANOCHAT_OPS_SOAP_TD
#define NANOCHAT_OPS_SOAP_TD
include "dialect/ops/optimizers/LowRank.td"

def Nanochat_SoapOp : Nanochat_UpdateOp<"soap", [WholeTensors], (ins
    DefaultValuedAttr<Decay, "0.95">:$beta1, DefaultValuedAttr<Decay, "0.95">:$beta2,
    DefaultValuedAttr<Positive, "1e-8">:$eps,
    DefaultValuedAttr<Count, "10">:$period,
    DefaultValuedAttr<Count, "10000">:$largest)> {
  let summary = "Adam in the eigenbasis of Shampoo's preconditioner";
  let description = [{
    For each (m, n) matrix w: L ← beta2·L + (1−beta2)·G·Gᵀ and R ← beta2·R + (1−beta2)·Gᵀ·G with eigenbases Ql, Qr.
    Step 0 only starts them, by `symmetric_eigen`. Then Adam runs on Qlᵀ·G·Qr, its moments m and v kept there, and
      w ← w − lr·(Ql·(m̂/(√v̂ + eps))·Qrᵀ + weight_decay·w);
    after that L and R take the gradient in, and every `period` steps the bases turn: columns sorted by estimated
    eigenvalue, one power iteration, `orthonormalize`. m is turned along, v only sorted. A side larger than `largest` has
    no basis. States: left, left_basis, right, right_basis, m, v, count. Columns whose estimate is below 1e-6 of the
    trace, as of singular preconditioners, keep 1e-6 of themselves in the iteration, which completes it.
    Vyas et al., arXiv:2409.11321.
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{ static int64_t getParamRank() { return 2; } }];
}

def Nanochat_GumOp : Nanochat_UpdateOp<"gum", [WholeTensors], (ins
    DefaultValuedAttr<Count, "128">:$rank,
    DefaultValuedAttr<Finite, "0.25">:$full,
    DefaultValuedAttr<Count, "200">:$period,
    DefaultValuedAttr<Decay, "0.95">:$momentum), /*draws=*/true> {
  let summary = "Muon on gradients that are low-rank or what low rank leaves out, by a draw per period";
  let description = [{
    For each (m, n) matrix w, every `period` steps: a basis P of `low_rank_basis` of its gradient, a draw of `stream` that
    picks it with probability q = `full`, and momentum M of zero. With A = P·Pᵀ·G (G·P·Pᵀ if m > n):
      M ← momentum·M + (G − A)/q if picked, else momentum·M + A/(1−q),
      w ← w − lr·(0.2·√max(m, n)·NS(M) + weight_decay·w),
    so that the expectation over the draw is the gradient. (NS(P·R) = P·NS(R), so this is the paper's rule on R = Pᵀ·M.)
    M is kept whole, since each matrix may be picked: this rule saves no memory here. States: basis, momentum, count.
    arXiv:2510.17802.
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    static int64_t getParamRank() { return 2; }
    static bool drawsRandom() { return true; }
  }];
}

#endif // NANOCHAT_OPS_SOAP_TD
