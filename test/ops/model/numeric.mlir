// RUN: nanochat-opt %s --nanochat-check-numeric

func.func @numbers_are_constants() -> (tensor<f32>, tensor<f32>) {
  %n = nanochat.number 0.25 : tensor<f32>
  %e = arith.constant dense<0.25> : tensor<f32>
  return %n, %e : tensor<f32>, tensor<f32>
}

func.func @token_constants_fill_one_value_per_token() -> (tensor<3xf32>, tensor<3xf32>) {
  %x = arith.constant dense<7.0> : tensor<3x2xf32>
  %c = nanochat.token_constant 0.25 like %x : tensor<3x2xf32>
  %e = arith.constant dense<0.25> : tensor<3xf32>
  return %c, %e : tensor<3xf32>, tensor<3xf32>
}

func.func @several_numbers_are_a_vector() -> (tensor<3xf64>, tensor<3xf64>) {
  %n = nanochat.numbers [1.0, 0.5, -0.25] : tensor<3xf64>
  %e = arith.constant dense<[1.0, 0.5, -0.25]> : tensor<3xf64>
  return %n, %e : tensor<3xf64>, tensor<3xf64>
}
