// RUN: nanochat-opt %s -split-input-file -verify-diagnostics

func.func @rms_gain(%x: tensor<2x4xf32>, %gain: tensor<3xf32>) { // rms_norm-c1
  // expected-error @+1 {{gain 'tensor<3xf32>' does not match the 4 channels of 'tensor<2x4xf32>'}}
  %y = nanochat.rms_norm %x, %gain : tensor<2x4xf32>, tensor<3xf32>
  return
}

// -----

func.func @gain(%x: tensor<2x4xf32>, %gain: tensor<3xf32>, %bias: tensor<4xf32>) { // layer_norm-c1
  // expected-error @+1 {{gain 'tensor<3xf32>' does not match the 4 channels of 'tensor<2x4xf32>'}}
  %y = nanochat.layer_norm %x, %gain, %bias : tensor<2x4xf32>, tensor<3xf32>, tensor<4xf32>
  return
}

// -----

func.func @bias(%x: tensor<2x4xf32>, %gain: tensor<4xf32>, %bias: tensor<5xf32>) { // layer_norm-c2
  // expected-error @+1 {{bias 'tensor<5xf32>' does not match the 4 channels of 'tensor<2x4xf32>'}}
  %y = nanochat.layer_norm %x, %gain, %bias : tensor<2x4xf32>, tensor<4xf32>, tensor<5xf32>
  return
}

// -----

func.func @rms_grad_dy(%x: tensor<2x4xf32>, %gain: tensor<4xf32>, %dy: tensor<3x4xf32>) { // rms_norm_grad-c1
  // expected-error @+1 {{dy 'tensor<3x4xf32>' must have the type of x, 'tensor<2x4xf32>'}}
  %dx, %dg = nanochat.rms_norm_grad %x, %gain, %dy eps 1.0e-6 : tensor<2x4xf32>, tensor<4xf32>, tensor<3x4xf32>
  return
}

// -----

func.func @layer_grad_gain(%x: tensor<2x4xf32>, %gain: tensor<3xf32>, %dy: tensor<2x4xf32>) { // layer_norm_grad-c2
  // expected-error @+1 {{gain 'tensor<3xf32>' does not match the 4 channels of 'tensor<2x4xf32>'}}
  %dx, %dg, %db = nanochat.layer_norm_grad %x, %gain, %dy eps 1.0e-5 : tensor<2x4xf32>, tensor<3xf32>, tensor<2x4xf32>
  return
}
