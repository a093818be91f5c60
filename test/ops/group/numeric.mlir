// What one rank computes; what several do together is compared in test/integration/tensor-parallel.mlir.
// RUN: nanochat-opt %s --nanochat-check-numeric

// Rank 1 of two has the last rows, zeros behind them, and the second columns.
func.func @parts() -> (tensor<2x2xf32>, tensor<2x2xf32>, tensor<3x1xf32>, tensor<3x1xf32>) attributes {nanochat.tolerance = 0.0 : f64} {
  %x = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
  %rank = arith.constant dense<1> : tensor<i32>
  %rows = nanochat.part %x at %rank dim 0 among 2 : tensor<3x2xf32>
  %columns = nanochat.part %x at %rank dim 1 among 2 : tensor<3x2xf32>
  %er = arith.constant dense<[[5.0, 6.0], [0.0, 0.0]]> : tensor<2x2xf32>
  %ec = arith.constant dense<[[2.0], [4.0], [6.0]]> : tensor<3x1xf32>
  return %rows, %er, %columns, %ec : tensor<2x2xf32>, tensor<2x2xf32>, tensor<3x1xf32>, tensor<3x1xf32>
}

func.func @alone() -> (tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>)
    attributes {nanochat.tolerance = 0.0 : f64} {
  %x = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
  %joined = nanochat.join_parts %x dim 1 among 1 : tensor<3x2xf32> -> tensor<3x2xf32>
  %sum = nanochat.group_reduce sum %x among 1 : tensor<3x2xf32>
  %in = nanochat.to_group %x among 1 : tensor<3x2xf32>
  return %joined, %x, %sum, %x, %in, %x : tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>
}

// The mean of |w| is 0.4375 of the whole, 0.35 of the part, half of which is below 0.2.
func.func @codes_of_a_part_have_the_scale_of_the_whole() -> (tensor<1x2xi8>, tensor<1x2xi8>, tensor<f32>, tensor<f32>)
    attributes {nanochat.tolerance = 0.0 : f64} {
  %whole = arith.constant dense<[[0.5, -0.2, 0.05, -1.0]]> : tensor<1x4xf32>
  %w = arith.constant dense<[[0.5, -0.2]]> : tensor<1x2xf32>
  %t, %gamma = nanochat.ternarize %w of %whole : tensor<1x4xf32> : tensor<1x2xf32>
  %et = arith.constant dense<[[1, 0]]> : tensor<1x2xi8>
  %eg = arith.constant dense<0.4375> : tensor<f32>
  return %t, %et, %gamma, %eg : tensor<1x2xi8>, tensor<1x2xi8>, tensor<f32>, tensor<f32>
}
