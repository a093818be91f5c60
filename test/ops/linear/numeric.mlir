// RUN: nanochat-opt %s --nanochat-check-numeric
// RUN: nanochat-opt %s --nanochat-check-grad

func.func @weights_are_out_by_in_and_bias_is_added() -> (tensor<2x2xf32>, tensor<2x2xf32>) {
  %x = arith.constant dense<[[1.0, 2.0, 3.0], [0.0, -1.0, 2.0]]> : tensor<2x3xf32>
  %w = arith.constant dense<[[1.0, 0.0, 0.0], [0.5, 0.5, 1.0]]> : tensor<2x3xf32>
  %bias = arith.constant dense<[10.0, 20.0]> : tensor<2xf32>
  %y = nanochat.linear %x, %w bias %bias : tensor<2x3xf32>, tensor<2x3xf32> bias tensor<2xf32>
  %e = arith.constant dense<[[11.0, 24.5], [10.0, 21.5]]> : tensor<2x2xf32>
  return %y, %e : tensor<2x2xf32>, tensor<2x2xf32>
}

func.func @transposes_are_of_operands() -> (tensor<2x2xf64>, tensor<2x2xf64>, tensor<2x2xf64>, tensor<2x2xf64>,
    tensor<2x2xf64>, tensor<2x2xf64>, tensor<2x2xf64>, tensor<2x2xf64>) {
  %a = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf64>
  %b = arith.constant dense<[[5.0, 6.0], [7.0, 8.0]]> : tensor<2x2xf64>
  %nn = nanochat.matmul %a, %b : tensor<2x2xf64>, tensor<2x2xf64>
  %tn = nanochat.matmul %a transposed, %b : tensor<2x2xf64>, tensor<2x2xf64>
  %nt = nanochat.matmul %a, %b transposed : tensor<2x2xf64>, tensor<2x2xf64>
  %tt = nanochat.matmul %a transposed, %b transposed : tensor<2x2xf64>, tensor<2x2xf64>
  %enn = arith.constant dense<[[19.0, 22.0], [43.0, 50.0]]> : tensor<2x2xf64>
  %etn = arith.constant dense<[[26.0, 30.0], [38.0, 44.0]]> : tensor<2x2xf64>
  %ent = arith.constant dense<[[17.0, 23.0], [39.0, 53.0]]> : tensor<2x2xf64>
  %ett = arith.constant dense<[[23.0, 31.0], [34.0, 46.0]]> : tensor<2x2xf64>
  return %nn, %enn, %tn, %etn, %nt, %ent, %tt, %ett : tensor<2x2xf64>, tensor<2x2xf64>, tensor<2x2xf64>,
    tensor<2x2xf64>, tensor<2x2xf64>, tensor<2x2xf64>, tensor<2x2xf64>, tensor<2x2xf64>
}

// The second least and the second greatest of each row; signs, ties and zeros of both signs count.
func.func @rows_are_clamped() -> (tensor<2x5xf32>, tensor<2x5xf32>) attributes {nanochat.tolerance = 0.0 : f64} {
  %x = arith.constant dense<[[-5.0, 3.0, -1.0, 100.0, 0.5], [2.0, 2.0, -0.0, 1.0e-40, -3.0]]> : tensor<2x5xf32>
  %y = nanochat.clamp_rows %x from 1 to 3 : tensor<2x5xf32>
  %e = arith.constant dense<[[-1.0, 3.0, -1.0, 3.0, 0.5], [2.0, 2.0, -0.0, 1.0e-40, -0.0]]> : tensor<2x5xf32>
  return %y, %e : tensor<2x5xf32>, tensor<2x5xf32>
}

// What is no number, of either sign, counts as the largest.
func.func @no_numbers_are_largest() -> (tensor<2xf32>, tensor<2xf32>) attributes {nanochat.tolerance = 0.0 : f64} {
  %x = arith.constant dense<[[1.0, 2.0, 3.0, 0xFFC00000], [1.0, 2.0, 3.0, 0x7FC00000]]> : tensor<2x4xf32>
  %y = nanochat.clamp_rows %x from 1 to 2 : tensor<2x4xf32>
  %first = tensor.extract_slice %y[0, 0] [2, 1] [1, 1] : tensor<2x4xf32> to tensor<2xf32>
  %e = arith.constant dense<2.0> : tensor<2xf32>
  return %first, %e : tensor<2xf32>, tensor<2xf32>
}

func.func @rows_sum_to_channels() -> (tensor<3xf32>, tensor<3xf32>) {
  %x = arith.constant dense<[[1.0, 2.0, 3.0], [0.5, -1.0, 2.0]]> : tensor<2x3xf32>
  %y = nanochat.sum_rows %x : tensor<2x3xf32>
  %e = arith.constant dense<[1.5, 1.0, 5.0]> : tensor<3xf32>
  return %y, %e : tensor<3xf32>, tensor<3xf32>
}

func.func @gradient_of_linear(%x: tensor<4x3xf32>, %w: tensor<2x3xf32>, %bias: tensor<2xf32>) -> tensor<4x2xf32>
    attributes {nanochat.check_grad} {
  %y = nanochat.linear %x, %w bias %bias : tensor<4x3xf32>, tensor<2x3xf32> bias tensor<2xf32>
  return %y : tensor<4x2xf32>
}

// x is used twice, and one weight by both uses.
func.func @gradients_of_uses_add_up(%x: tensor<4x3xf32>, %w: tensor<3x3xf32>) -> tensor<4x3xf32>
    attributes {nanochat.check_grad} {
  %y = nanochat.linear %x, %w : tensor<4x3xf32>, tensor<3x3xf32>
  %z = nanochat.linear %y, %w : tensor<4x3xf32>, tensor<3x3xf32>
  %s = arith.mulf %z, %x : tensor<4x3xf32>
  return %s : tensor<4x3xf32>
}
