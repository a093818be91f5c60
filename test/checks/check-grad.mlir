// RUN: nanochat-opt %s --nanochat-check-grad

func.func @head_over_norm_over_linear(%tokens: tensor<16xi32> {nanochat.bound = 7}, %table: tensor<7x6xf32>,
    %w: tensor<5x6xf32>, %bias: tensor<5xf32>, %gain: tensor<5xf32>, %head: tensor<7x5xf32>,
    %targets: tensor<16xi32> {nanochat.bound = 7}, %weights: tensor<16xf32>) -> tensor<f32> attributes {nanochat.check_grad} {
  %x = nanochat.embedding %tokens, %table : tensor<16xi32>, tensor<7x6xf32>
  %y = nanochat.linear %x, %w bias %bias : tensor<16x6xf32>, tensor<5x6xf32> bias tensor<5xf32>
  %n = nanochat.rms_norm %y, %gain : tensor<16x5xf32>, tensor<5xf32>
  %loss, %nll = nanochat.linear_cross_entropy %n, %head, %targets weights %weights : tensor<16x5xf32>, tensor<7x5xf32>, tensor<16xi32>, tensor<16xf32>
  return %loss : tensor<f32>
}

// Constants, ties to the enclosing scope, and a tied table: embedding and head are one parameter.
func.func @looped_model(%tokens: tensor<16xi32> {nanochat.bound = 7}, %targets: tensor<16xi32> {nanochat.bound = 7},
    %table: tensor<7x6xf32>, %stack: tensor<2x6x6xf32> {nanochat.range = [-0.5, 0.5]}, %gains: tensor<2x6xf32>) -> tensor<f32>
    attributes {nanochat.check_grad} {
  %half = arith.constant dense<0.5> : tensor<16x6xf32>
  %h0 = nanochat.embedding %tokens, %table : tensor<16xi32>, tensor<7x6xf32>
  %h = nanochat.loop "n_loops" = 2 carry(%h = %h0 : tensor<16x6xf32>) {
    %x = nanochat.loop "layers" = 2 carry(%x = %h : tensor<16x6xf32>) slice(%w = %stack : tensor<2x6x6xf32>, %gain = %gains : tensor<2x6xf32>) {
      %n = nanochat.rms_norm %x, %gain : tensor<16x6xf32>, tensor<6xf32>
      %y = nanochat.linear %n, %w : tensor<16x6xf32>, tensor<6x6xf32>
      %t = math.tanh %y : tensor<16x6xf32>
      %s = arith.mulf %t, %half : tensor<16x6xf32>
      %z = arith.addf %x, %s : tensor<16x6xf32>
      nanochat.yield %z : tensor<16x6xf32>
    }
    nanochat.yield %x : tensor<16x6xf32>
  }
  %loss, %nll = nanochat.linear_cross_entropy %h, %table, %targets : tensor<16x6xf32>, tensor<7x6xf32>, tensor<16xi32>
  return %loss : tensor<f32>
}
