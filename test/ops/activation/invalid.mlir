// RUN: nanochat-opt %s -split-input-file -verify-diagnostics

func.func @gelu(%x: tensor<2xf32>) { // gelu-c1
  // expected-error @+1 {{has the unknown form approximate = "erf"; expected "tanh" or "none" (erf)}}
  %y = nanochat.gelu %x {approximate = "erf"} : tensor<2xf32>
  return
}

// -----

func.func @integers_have_no_activation(%x: tensor<2xi32>) {
  // expected-error @+1 {{operand #0 must be ranked tensor of 32-bit float or 64-bit float values}}
  %y = nanochat.silu %x : tensor<2xi32>
  return
}
