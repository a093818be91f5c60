#ifndef NANOCHAT_OPS_NORM_TD
#define NANOCHAT_OPS_NORM_TD
include "dialect/Nanochat.td"

def Nanochat_RmsNormOp : Nanochat_ComputeOp<"rms_norm", [InfersTypesByLetters, HasVjp, IterationSpace<"n~c", ["nc", "c"], ["nc"]>]> {
  let summary = "Root-mean-square normalisation";
  let description = [{ y = x / sqrt(mean_c x² + eps) ⊙ gain, per row of x (N, C); gain (C). }];
  let arguments = (ins FloatMatrix:$x, FloatVector:$gain, DefaultValuedAttr<Positive, "1e-6">:$eps);
  let results = (outs FloatMatrix:$y);
  let assemblyFormat = "$x `,` $gain (`eps` $eps^)? attr-dict `` custom<Types>(type($x), type($gain))";
  let hasVerifier = 1;
}

def Nanochat_RmsNormGradOp : Nanochat_ComputeOp<"rms_norm_grad", [InfersTypesByLetters, IterationSpace<"~n~c", ["nc", "c", "nc"], ["nc", "c"]>]> {
  let summary = "Gradient of rms_norm";
  let description = [{
    With r = 1/sqrt(mean x² + eps) and x̂ = x·r per row:
    dx = r·(gain ⊙ dy − x̂·mean_c(gain ⊙ dy ⊙ x̂)), dgain = Σ_rows dy ⊙ x̂.
  }];
  let arguments = (ins FloatMatrix:$x, FloatVector:$gain, FloatMatrix:$dy, Positive:$eps);
  let hasVerifier = 1;
  let results = (outs FloatMatrix:$dx, FloatVector:$dgain);
  let assemblyFormat = "$x `,` $gain `,` $dy `eps` $eps attr-dict `:` type($x) `,` type($gain) `,` type($dy)";
}

def Nanochat_LayerNormOp : Nanochat_ComputeOp<"layer_norm", [InfersTypesByLetters, HasVjp, IterationSpace<"n~c", ["nc", "c", "c"], ["nc"]>]> {
  let summary = "Layer normalisation";
  let description = [{
    y = (x − mean_c x) / sqrt(var_c x + eps) ⊙ gain + bias, per row of x (N, C); gain and bias (C).
    The variance is the population's: mean_c (x − mean_c x)².
  }];
  let arguments = (ins FloatMatrix:$x, FloatVector:$gain, FloatVector:$bias,
      DefaultValuedAttr<Positive, "1e-5">:$eps);
  let results = (outs FloatMatrix:$y);
  let assemblyFormat = [{
    $x `,` $gain `,` $bias (`eps` $eps^)? attr-dict
    `` custom<Types>(type($x), type($gain), type($bias))
  }];
  let hasVerifier = 1;
}

def Nanochat_LayerNormGradOp : Nanochat_ComputeOp<"layer_norm_grad", [InfersTypesByLetters, IterationSpace<"~n~c", ["nc", "c", "nc"], ["nc", "c", "c"]>]> {
  let summary = "Gradient of layer_norm";
  let description = [{
    With r = 1/sqrt(var_c x + eps), x̂ = (x − mean_c x)·r and g = gain ⊙ dy per row:
    dx = r·(g − mean_c g − x̂·mean_c(g ⊙ x̂)), dgain = Σ_rows dy ⊙ x̂, dbias = Σ_rows dy.
  }];
  let arguments = (ins FloatMatrix:$x, FloatVector:$gain, FloatMatrix:$dy, Positive:$eps);
  let hasVerifier = 1;
  let results = (outs FloatMatrix:$dx, FloatVector:$dgain, FloatVector:$dbias);
  let assemblyFormat = "$x `,` $gain `,` $dy `eps` $eps attr-dict `:` type($x) `,` type($gain) `,` type($dy)";
}

#endif // NANOCHAT_OPS_NORM_TD
