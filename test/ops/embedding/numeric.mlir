// RUN: nanochat-opt %s --nanochat-check-numeric
// RUN: nanochat-opt %s --nanochat-check-grad

func.func @rows_follow_tokens() -> (tensor<3x2xf32>, tensor<3x2xf32>) {
  %tokens = arith.constant dense<[2, 0, 2]> : tensor<3xi32>
  %table = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
  %x = nanochat.embedding %tokens, %table : tensor<3xi32>, tensor<3x2xf32>
  %e = arith.constant dense<[[5.0, 6.0], [1.0, 2.0], [5.0, 6.0]]> : tensor<3x2xf32>
  return %x, %e : tensor<3x2xf32>, tensor<3x2xf32>
}

func.func @gradient_sums_over_equal_tokens() -> (tensor<3x2xf32>, tensor<3x2xf32>) {
  %tokens = arith.constant dense<[2, 0, 2]> : tensor<3xi32>
  %dy = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
  %d = nanochat.embedding_grad %tokens, %dy : tensor<3xi32>, tensor<3x2xf32> -> tensor<3x2xf32>
  %e = arith.constant dense<[[3.0, 4.0], [0.0, 0.0], [6.0, 8.0]]> : tensor<3x2xf32>
  return %d, %e : tensor<3x2xf32>, tensor<3x2xf32>
}

func.func @gradient_of_embedding(%tokens: tensor<9xi32> {nanochat.bound = 5}, %table: tensor<5x3xf32>)
    -> tensor<9x3xf32> attributes {nanochat.check_grad} {
  %x = nanochat.embedding %tokens, %table : tensor<9xi32>, tensor<5x3xf32>
  return %x : tensor<9x3xf32>
}
