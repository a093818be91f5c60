// RUN: nanochat-opt %s -split-input-file -verify-diagnostics

func.func @channels(%h: tensor<4x3xf32>, %w: tensor<7x2xf32>, %targets: tensor<4xi32>) { // linear_cross_entropy-c1
  // expected-error @+1 {{h 'tensor<4x3xf32>' has 3 channels but w 'tensor<7x2xf32>' takes 2}}
  %loss, %nll = nanochat.linear_cross_entropy %h, %w, %targets : tensor<4x3xf32>, tensor<7x2xf32>, tensor<4xi32>
  return
}

// -----

func.func @targets(%h: tensor<4x3xf32>, %w: tensor<7x3xf32>, %targets: tensor<5xi32>) { // linear_cross_entropy-c2
  // expected-error @+1 {{expected one target and one weight for each of the 4 tokens of h, found 'tensor<5xi32>'}}
  %loss, %nll = nanochat.linear_cross_entropy %h, %w, %targets : tensor<4x3xf32>, tensor<7x3xf32>, tensor<5xi32>
  return
}

// -----

func.func @grad_channels(%h: tensor<4x3xf32>, %w: tensor<7x2xf32>, %t: tensor<4xi32>) { // linear_cross_entropy_with_grad-c1
  // expected-error @+1 {{h 'tensor<4x3xf32>' has 3 channels but w 'tensor<7x2xf32>' takes 2}}
  %l, %n, %dh, %dw = nanochat.linear_cross_entropy_with_grad %h, %w, %t : tensor<4x3xf32>, tensor<7x2xf32>, tensor<4xi32>
  return
}

// -----

func.func @bits(%h: tensor<4x3xf32>, %w: tensor<7x3xf32>, %t: tensor<4xi32>) { // linear_cross_entropy-c3
  // expected-error @+1 {{has gradients in int16; those of heads are in f32 or int8}}
  %loss, %nll = nanochat.linear_cross_entropy %h, %w, %t backward <dx = f32, dw = int16> : tensor<4x3xf32>, tensor<7x3xf32>, tensor<4xi32>
  return
}

// -----

func.func @grad_bits(%h: tensor<4x3xf32>, %w: tensor<7x3xf32>, %t: tensor<4xi32>) { // linear_cross_entropy_with_grad-c3
  // expected-error @+1 {{has gradients in mxfp4; those of heads are in f32 or int8}}
  %l, %n, %dh, %dw = nanochat.linear_cross_entropy_with_grad %h, %w, %t backward <dx = mxfp4, dw = f32> : tensor<4x3xf32>, tensor<7x3xf32>, tensor<4xi32>
  return
}

// -----

func.func @words(%h: tensor<4x3xf32>, %w: tensor<133153x3xf32>, %t: tensor<4xi32>) { // linear_cross_entropy-c4
  // expected-error @+1 {{sums products of bytes over 133153 words; as many as 133144 fit 32 bits}}
  %loss, %nll = nanochat.linear_cross_entropy %h, %w, %t backward <dx = int8, dw = int8> : tensor<4x3xf32>, tensor<133153x3xf32>, tensor<4xi32>
  return
}

// -----

func.func @no_draws(%h: tensor<4x3xf32>, %w: tensor<7x3xf32>, %t: tensor<4xi32>) { // linear_cross_entropy_with_grad-c4
  // expected-error @+1 {{rounds by chance and has no random numbers, `draws`}}
  %l, %n, %dh, %dw = nanochat.linear_cross_entropy_with_grad %h, %w, %t backward <dx = int8, dw = f32, rounding = stochastic>
    : tensor<4x3xf32>, tensor<7x3xf32>, tensor<4xi32>
  return
}

// -----

func.func @vain_draws(%h: tensor<4x3xf32>, %w: tensor<7x3xf32>, %t: tensor<4xi32>, %a: tensor<5xi32>) { // linear_cross_entropy_with_grad-c5
  // expected-error @+1 {{has random numbers and nothing that is rounded by them}}
  %l, %n, %dh, %dw = nanochat.linear_cross_entropy_with_grad %h, %w, %t backward <dx = int8, dw = int8> draws %a
    : tensor<4x3xf32>, tensor<7x3xf32>, tensor<4xi32>
  return
}

// -----

func.func @sequences(%t: tensor<6xi32>, %by: tensor<f32>) { // targets_ahead-c1
  // expected-error @+1 {{has 6 targets, which are no sequences of 4}}
  %a, %w = nanochat.targets_ahead %t by %by seq = 4 : tensor<6xi32>, tensor<f32>
  return
}

// -----

func.func @behind(%t: tensor<8xi32>) { // targets_ahead-c2
  %by = arith.constant dense<0.0> : tensor<f32>
  // expected-error @+1 {{looks ahead by 0.000000e+00; it is a whole number from 1 on, 0 being the targets themselves}}
  %a, %w = nanochat.targets_ahead %t by %by seq = 4 : tensor<8xi32>, tensor<f32>
  return
}

// -----

func.func @past_the_end(%t: tensor<8xi32>) { // targets_ahead-c3
  %ahead = arith.constant dense<[1.0, 4.0]> : tensor<2xf32>
  nanochat.loop "mtp" = 2 slice(%by = %ahead : tensor<2xf32>) {
    // expected-error @+1 {{looks ahead by 4 in sequences of 4, of which none has such a target}}
    %a, %w = nanochat.targets_ahead %t by %by seq = 4 : tensor<8xi32>, tensor<f32>
    nanochat.yield
  }
  return
}
