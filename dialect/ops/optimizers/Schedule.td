#ifndef NANOCHAT_OPS_SCHEDULE_TD
#define NANOCHAT_OPS_SCHEDULE_TD
include "dialect/Nanochat.td"

/// A learning-rate schedule: (peak lr, 0-based step, number of steps) -> lr of this step, all rank 0.
class Nanochat_ScheduleOp<string mnemonic, dag options, string more> : Nanochat_PointwiseOp<mnemonic> {
  let arguments = !con((ins FloatScalar:$lr, FloatScalar:$step, FloatScalar:$steps,
      DefaultValuedAttr<Natural, "100">:$warmup), options);
  let results = (outs FloatScalar:$result);
  let assemblyFormat = "$lr `,` $step `,` $steps (`warmup` `=` $warmup^)? " # more # "attr-dict `` custom<Types>(type($lr))";
}

def Nanochat_WsdOp : Nanochat_ScheduleOp<"wsd", (ins DefaultValuedAttr<Finite, "0.2">:$decay,
    DefaultValuedAttr<NonNegative, "0.0">:$final), "(`decay` `=` $decay^)? (`final` `=` $final^)? "> {
  let summary = "Warmup, stable, linear decay";
  let description = [{
    result = lr·warm·(final + (1−final)·rest) with
      warm = min(1, (step+1)/warmup): lr/warmup at step 0, all of lr from step warmup−1 on,
      rest = min(1, max(0, steps−step)/(decay·steps)): 1 up to step (1−decay)·steps, then linear.
    final·lr would be reached at step = steps, so the last step, steps−1, still moves by
    lr·(final + (1−final)/(decay·steps)). `final` is a fraction of lr. `warmup` = 0 and `decay` = 0
    switch a part off; where both parts are active at once (short runs) they multiply.

    ```mlir
    %now = nanochat.wsd %lr, %step, %steps warmup = 100 decay = 0.2 : tensor<f32>
    ```
  }];
  let hasVerifier = 1;
}

def Nanochat_CosineOp : Nanochat_ScheduleOp<"cosine", (ins DefaultValuedAttr<NonNegative, "0.0">:$final),
    "(`final` `=` $final^)? "> {
  let summary = "Warmup, then half a cosine";
  let description = [{
    result = lr·warm·(final + (1−final)·(1 + cos(π·q))/2) with
      warm = min(1, (step+1)/warmup), 1 where `warmup` = 0,
      q = min(1, max(0, step−warmup)/max(1, steps−warmup)).
    final·lr would be reached at step = steps; the last step, steps−1, has q = 1 − 1/(steps−warmup).
    `final` is a fraction of lr.
  }];
}

def Nanochat_TwoStageOp : Nanochat_PointwiseOp<"two_stage"> {
  let summary = "One value, then a fraction of it";
  let description = [{
    result = x before step ⌈at·steps⌉, from then on second·x. `at` is a fraction of the steps. In front of another
    schedule it gives the second half of the run another peak; on a weight decay, with second = 0, it ends it. Ternary
    models want both: a high rate at first, later a lower one, and no decay of latent weights (BitNet b1.58 2B4T,
    arXiv:2504.12285 §3.1).

    ```mlir
    %peak = nanochat.two_stage %lr, %step, %steps second = 0.6 : tensor<f32>
    %now = nanochat.cosine %peak, %step, %steps : tensor<f32>
    %wd = nanochat.two_stage %decay, %step, %steps second = 0.0 : tensor<f32>
    ```
  }];
  let arguments = (ins FloatScalar:$x, FloatScalar:$step, FloatScalar:$steps, Finite:$second,
      DefaultValuedAttr<Finite, "0.5">:$at);
  let results = (outs FloatScalar:$result);
  let assemblyFormat = "$x `,` $step `,` $steps `second` `=` $second (`at` `=` $at^)? attr-dict `` custom<Types>(type($x))";
  let hasVerifier = 1;
}

#endif // NANOCHAT_OPS_SCHEDULE_TD
