// RUN: nanochat-opt %s --nanochat-expand-ternary --nanochat-check-grad
// Quantisers pass gradients on unchanged, clipped or not. With Q(z) held at the distance from z that
// it has at the point, central differences give what BitNet b1.58 declares: dx = dy·(γT), dW = dyᵀ·(q·s).

func.func @rows_are_straight_through(%x: tensor<3x5xf64>) -> tensor<3x5xf64> attributes {nanochat.check_grad} {
  %q, %s = nanochat.quantize_rows %x : tensor<3x5xf64>
  %y = nanochat.dequantize_rows %q, %s : tensor<3x5xi8>, tensor<3xf64>
  return %y : tensor<3x5xf64>
}

func.func @weights_are_straight_through(%w: tensor<3x4xf64>) -> (tensor<3x4xf64>, tensor<3x4xf64>)
    attributes {nanochat.check_grad} {
  %t, %gamma = nanochat.ternarize %w : tensor<3x4xf64>
  %y = nanochat.dequantize_weight %t, %gamma : tensor<3x4xi8>, tensor<f64>
  %tg, %gammas = nanochat.ternarize %w group 2 : tensor<3x4xf64>
  %yg = nanochat.dequantize_weight %tg, %gammas : tensor<3x4xi8>, tensor<3x2xf64>
  return %y, %yg : tensor<3x4xf64>, tensor<3x4xf64>
}

func.func @linear(%x: tensor<5x4xf64>, %w: tensor<3x4xf64>) -> tensor<5x3xf64> attributes {nanochat.check_grad} {
  %y = nanochat.ternary_linear %x, %w : tensor<5x4xf64>, tensor<3x4xf64>
  return %y : tensor<5x3xf64>
}

func.func @linear_in_groups(%x: tensor<5x4xf64>, %w: tensor<3x4xf64>) -> tensor<5x3xf64> attributes {nanochat.check_grad} {
  %y = nanochat.ternary_linear %x, %w {group = 2} : tensor<5x4xf64>, tensor<3x4xf64>
  return %y : tensor<5x3xf64>
}

// Weights shared by the steps of a loop: each step quantises other activations.
func.func @layers_in_loops(%x: tensor<6x4xf64>, %W: tensor<2x4x4xf64>, %gains: tensor<2x4xf64>) -> tensor<6x4xf64>
    attributes {nanochat.check_grad} {
  %h = nanochat.loop "n_loops" = 3 carry(%h = %x : tensor<6x4xf64>) {
    %y = nanochat.loop "layers" = 2 carry(%y = %h : tensor<6x4xf64>)
        slice(%w = %W : tensor<2x4x4xf64>, %gain = %gains : tensor<2x4xf64>) {
      %n = nanochat.rms_norm %y, %gain : tensor<6x4xf64>, tensor<4xf64>
      %z = nanochat.ternary_linear %n, %w : tensor<6x4xf64>, tensor<4x4xf64>
      %sum = arith.addf %y, %z : tensor<6x4xf64>
      nanochat.yield %sum : tensor<6x4xf64>
    }
    nanochat.yield %y : tensor<6x4xf64>
  }
  return %h : tensor<6x4xf64>
}
