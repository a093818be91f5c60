// RUN: nanochat-opt %s -split-input-file -verify-diagnostics

func.func @mask_of_another_length() { // last_step-c1
  // expected-error @+1 {{marks one of 4 iterations, so its type has shape [4]; found 'tensor<3xf32>'}}
  %mask = nanochat.last_step "n_loops" = 4 : tensor<3xf32>
  return
}

// -----

func.func @gate_of_another_width(%h: tensor<8x4xf32>, %w: tensor<5xf32>, %b: tensor<1xf32>) { // gate-c1
  // expected-error @+1 {{w 'tensor<5xf32>' does not match the 4 channels of h}}
  %z = nanochat.gate %h, %w, %b : tensor<8x4xf32>, tensor<5xf32>, tensor<1xf32>
  return
}

// -----

func.func @bias_per_token(%h: tensor<8x4xf32>, %w: tensor<4xf32>, %b: tensor<8xf32>) { // gate-c2
  // expected-error @+1 {{bias 'tensor<8xf32>' is shared by all tokens: its shape is [1]}}
  %z = nanochat.gate %h, %w, %b : tensor<8x4xf32>, tensor<4xf32>, tensor<8xf32>
  return
}

// -----

func.func @last_of_another_precision(%z: tensor<8xf32>, %last: tensor<f64>) {
  // expected-error @+1 {{last is a rank-0 tensor with the element type of z}}
  %p:3 = "nanochat.exit_step"(%z, %z, %last)
      : (tensor<8xf32>, tensor<8xf32>, tensor<f64>) -> (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>)
  return
}
