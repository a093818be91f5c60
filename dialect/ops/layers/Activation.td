#ifndef NANOCHAT_OPS_ACTIVATION_TD
#define NANOCHAT_OPS_ACTIVATION_TD
include "dialect/Nanochat.td"

/// y = f(x), element by element.
class Nanochat_ActivationOp<string mnemonic> : Nanochat_PointwiseOp<mnemonic, [HasVjp]> {
  let arguments = (ins FloatTensor:$x);
  let results = (outs FloatTensor:$y);
  let assemblyFormat = "$x attr-dict `` custom<Types>(type($x))";
}

def Nanochat_SigmoidOp : Nanochat_ActivationOp<"sigmoid"> {
  let summary = "Logistic function";
  let description = [{
    y = 1/(1 + exp(−x)), dx = dy·y·(1 − y). Finite for every x, with a small relative error also
    where y is small.
  }];
}

def Nanochat_SiluOp : Nanochat_ActivationOp<"silu"> {
  let summary = "Sigmoid-weighted linear unit (swish)";
  let description = [{ y = x·σ(x), dx = dy·σ(x)·(1 + x·(1 − σ(x))), with σ the sigmoid. }];
}

def Nanochat_Relu2Op : Nanochat_ActivationOp<"relu2"> {
  let summary = "Squared rectifier";
  let description = [{ y = max(x, 0)², dx = dy·2·max(x, 0) (Primer, arXiv:2109.08668). }];
}

def Nanochat_GeluOp : Nanochat_ActivationOp<"gelu"> {
  let summary = "Gaussian error linear unit";
  let description = [{
    `approximate = "tanh"` (the default, GPT-2's): y = x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³)));
    `approximate = "none"`: y = x/2·(1 + erf(x/√2)).
  }];
  let arguments = (ins FloatTensor:$x, DefaultValuedAttr<StrAttr, "\"tanh\"">:$approximate);
  let hasVerifier = 1;
}

/// y = f(gate) ⊙ up: the middle of a gated feed-forward layer.
class Nanochat_GatedOp<string mnemonic> : Nanochat_PointwiseOp<mnemonic> {
  let arguments = (ins FloatTensor:$gate, FloatTensor:$up);
  let results = (outs FloatTensor:$y);
  let assemblyFormat = "$gate `,` $up attr-dict `` custom<Types>(type($gate))";
}

def Nanochat_SwigluOp : Nanochat_GatedOp<"swiglu"> {
  let summary = "SiLU-gated linear unit";
  let description = [{ y = silu(gate) ⊙ up (arXiv:2002.05202). }];
}

def Nanochat_Relu2GluOp : Nanochat_GatedOp<"relu2_glu"> {
  let summary = "Squared-ReLU-gated linear unit";
  let description = [{ y = max(gate, 0)² ⊙ up, the unit of BitNet b1.58 2B4T (arXiv:2504.12285). }];
}

#endif // NANOCHAT_OPS_ACTIVATION_TD
