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
