#ifndef NANOCHAT_OPS_EXIT_TD
#define NANOCHAT_OPS_EXIT_TD
include "dialect/Nanochat.td"

def Nanochat_LastStepOp : Nanochat_ComputeOp<"last_step", [Pointwise, HasOwnShape]> {
  let summary = "Marks the last iteration of a loop";
  let description = [{
    (0, …, 0, 1) of shape (count): a loop of that name slices it, and its iteration sees 1 when it is
    the last one. `count` follows the loop's when that is set from the command line.
  }];
  let arguments = (ins Word:$loop_name, Count:$count);
  let results = (outs FloatVector:$mask);
  let assemblyFormat = "$loop_name `=` $count attr-dict `` custom<Types>(type($mask))";
  let hasVerifier = 1;
}

def Nanochat_GateOp : Nanochat_ComputeOp<"gate", [InfersTypesByLetters, HasVjp, IterationSpace<"n+c~b", ["nc", "c", "b"], ["n"]>]> {
  let summary = "Pre-activation of the exit gate, one per token";
  let description = [{
    z[n] = Σ_c h[n, c]·w[c] + bias[0] with h (N, C), w (C), bias (1), z (N); the gate is λ = σ(z).
    Gradients: dh = dz ⊗ w, dw = Σ_n dz[n]·h[n, :], dbias = Σ_n dz[n].
  }];
  let arguments = (ins FloatMatrix:$h, FloatVector:$w, FloatVector:$bias);
  let results = (outs FloatVector:$z);
  let assemblyFormat = "$h `,` $w `,` $bias attr-dict `` custom<Types>(type($h), type($w), type($bias))";
  let hasVerifier = 1;
}

/// `scalar` is the rank-0 tensor of the element type of `like`, so that its type need not be written.
class ScalarLike<string like, string scalar>
    : TypesMatchWith<scalar # " is a rank-0 tensor with the element type of " # like, like, scalar,
        "::mlir::RankedTensorType::get({}, ::mlir::getElementTypeOrSelf($_self))">;

def Nanochat_ExitStepOp : Nanochat_ComputeOp<"exit_step", [HasVjp, VerifiedByOds, Pointwise, ScalarLike<"z", "last">,
    AllTypesMatch<["z", "log_survival", "p", "log_p", "next_log_survival"]>]> {
  let summary = "Probability to exit at this LoopLM step, per token";
  let description = [{
    One step t of the exit distribution (Ouro, arXiv:2510.25741). With λ_t = σ(z), S_0 = 1 and
    S_t = S_{t−1}·(1−λ_t): p_t = λ_t·S_{t−1} for t < T, p_T = S_{T−1} where `last` = 1, so that Σ_t p_t = 1
    and z gets no gradient at the last step. All in logarithms, finite for any |z| ≤ 1e4:
      log_p = (1−last)·(−softplus(−z)) + log_survival,  p = exp(log_p),
      next_log_survival = log_survival − softplus(z)    (without meaning after the last step).
    z, log_survival and the results are (N); log_survival starts at 0. Natural logarithms.

    ```mlir
    %p, %log_p, %next = nanochat.exit_step %z, %log_survival, %last : tensor<64xf32>
    ```
  }];
  let arguments = (ins FloatVector:$z, FloatVector:$log_survival, FloatScalar:$last);
  let results = (outs FloatVector:$p, FloatVector:$log_p, FloatVector:$next_log_survival);
  let assemblyFormat = "$z `,` $log_survival `,` $last attr-dict `` custom<LikeType>(type($z), type($last))";
}

def Nanochat_EntropyOp : Nanochat_ComputeOp<"entropy", [HasVjp, VerifiedByOds, IterationSpace<"+n", ["n", "n"], [""]>,
    AllTypesMatch<["p", "log_p"]>, ScalarLike<"p", "h">]> {
  let summary = "One step's share of the entropy of the exit distribution";
  let description = [{
    h = (1/N) Σ_n −p[n]·log_p[n] in nats, rank 0; tokens with p = 0 add 0. Summed over the steps of a
    LoopLM it is the mean entropy H, which the loss rewards: L = Σ_t mean(p_t·nll_t) − β·H.
  }];
  let arguments = (ins FloatVector:$p, FloatVector:$log_p);
  let results = (outs FloatScalar:$h);
  let assemblyFormat = "$p `,` $log_p attr-dict `` custom<LikeType>(type($p), type($h))";
}

def Nanochat_GateLossOp : Nanochat_ComputeOp<"gate_loss", [HasVjp, VerifiedByOds, IterationSpace<"+n", ["n", "n", "n", ""], [""]>,
    AllTypesMatch<["z", "nll_prev", "nll"]>, ScalarLike<"z", "active">, ScalarLike<"z", "loss">]> {
  let summary = "Stage II: teaches the gate when another step helps";
  let description = [{
    At step t, z and nll are those of step t and nll_prev is that of step t−1. The improvement
    I = max(0, nll_prev − nll) makes the target to go on, w = σ(k·(I − gamma)), of the prediction
    1−λ = 1−σ(z): loss = active·(1/N) Σ_n [w·softplus(z) + (1−w)·softplus(−z)], rank 0, which is their
    binary cross entropy. Targets are constants: only z gets a gradient, active/N·(λ + w − 1).
    `active` is 0 at the first step, which improves on nothing, and 1 at steps 2..T; the model divides
    the sum over steps by T (Ouro, arXiv:2510.25741).
  }];
  let arguments = (ins FloatVector:$z, FloatVector:$nll_prev, FloatVector:$nll, FloatScalar:$active,
      DefaultValuedAttr<Finite, "50.0">:$k, DefaultValuedAttr<Finite, "0.005">:$gamma);
  let results = (outs FloatScalar:$loss);
  let assemblyFormat = "$z `,` $nll_prev `,` $nll `,` $active attr-dict `` custom<LikeType>(type($z), type($active), type($loss))";
}

#endif // NANOCHAT_OPS_EXIT_TD
