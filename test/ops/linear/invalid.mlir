// RUN: nanochat-opt %s -split-input-file -verify-diagnostics

func.func @channels(%x: tensor<4x3xf32>, %w: tensor<3x2xf32>) { // linear-c1
  // expected-error @+1 {{x 'tensor<4x3xf32>' has 3 channels but w 'tensor<3x2xf32>' takes 2 (weights are out × in)}}
  %y = nanochat.linear %x, %w : tensor<4x3xf32>, tensor<3x2xf32>
  return
}

// -----

func.func @bias(%x: tensor<4x3xf32>, %w: tensor<2x3xf32>, %bias: tensor<3xf32>) { // linear-c2
  // expected-error @+1 {{bias 'tensor<3xf32>' does not match the 2 output channels of w 'tensor<2x3xf32>'}}
  %y = nanochat.linear %x, %w bias %bias : tensor<4x3xf32>, tensor<2x3xf32> bias tensor<3xf32>
  return
}

// -----

func.func @contraction(%a: tensor<4x3xf32>, %b: tensor<4x5xf32>) { // matmul-c1
  // expected-error @+1 {{contracts 3 elements of 'tensor<4x3xf32>' with 4 of 'tensor<4x5xf32>'}}
  %c = nanochat.matmul %a, %b : tensor<4x3xf32>, tensor<4x5xf32>
  return
}

// -----

func.func @forward(%x: tensor<64x48xf32>, %w: tensor<32x48xf32>) { // linear-c3
  // expected-error @+2 {{has 48 inputs, which blocks of 32 of its factors do not divide}}
  // expected-note @+1 {{the nearest that fit are 32 and 64}}
  %y = nanochat.linear %x, %w forward mxfp4 : tensor<64x48xf32>, tensor<32x48xf32>
  return
}

// -----

func.func @backward(%x: tensor<64x48xf32>, %w: tensor<32x48xf32>) { // linear-c4
  // expected-error @+1 {{has gradients in int8; those of dense linears are in f32, mxfp4 or nvfp4}}
  %y = nanochat.linear %x, %w backward <dx = f32, dw = int8> : tensor<64x48xf32>, tensor<32x48xf32>
  return
}

// -----

func.func @tokens(%x: tensor<48x32xf32>, %w: tensor<32x32xf32>) { // linear-c5
  // expected-error @+2 {{has 48 tokens, which blocks of 64 of its gradients do not divide}}
  // expected-note @+1 {{the nearest that fit are 64;}}
  %y = nanochat.linear %x, %w backward <dx = mxfp4, dw = mxfp4> : tensor<48x32xf32>, tensor<32x32xf32>
  return
}

// -----

func.func @sorted(%x: tensor<4x3xf32>) { // clamp_rows-c1
  // expected-error @+1 {{clamps between elements 1 and 3 of 3; expected numbers from 0 that rise and are fewer}}
  %y = nanochat.clamp_rows %x from 1 to 3 : tensor<4x3xf32>
  return
}
