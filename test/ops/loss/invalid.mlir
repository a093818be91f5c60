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
  %loss, %nll = nanochat.linear_cross_entropy %h, %w, %t backward int16 : tensor<4x3xf32>, tensor<7x3xf32>, tensor<4xi32>
  return
}

// -----

func.func @grad_bits(%h: tensor<4x3xf32>, %w: tensor<7x3xf32>, %t: tensor<4xi32>) { // linear_cross_entropy_with_grad-c3
  // expected-error @+1 {{has gradients in mxfp4; those of heads are in f32 or int8}}
  %l, %n, %dh, %dw = nanochat.linear_cross_entropy_with_grad %h, %w, %t backward mxfp4 : tensor<4x3xf32>, tensor<7x3xf32>, tensor<4xi32>
  return
}

// -----

func.func @words(%h: tensor<4x3xf32>, %w: tensor<133153x3xf32>, %t: tensor<4xi32>) { // linear_cross_entropy-c4
  // expected-error @+1 {{sums products of bytes over 133153 words; as many as 133144 fit 32 bits}}
  %loss, %nll = nanochat.linear_cross_entropy %h, %w, %t backward int8 : tensor<4x3xf32>, tensor<133153x3xf32>, tensor<4xi32>
  return
}
