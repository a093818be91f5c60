// RUN: nanochat-opt %s --nanochat-check-numeric
// RUN: nanochat-opt %s --nanochat-check-grad

// Angles t·100^(−j/2): 1 and 1/10 at t = 1.
func.func @tables_hold_geometric_frequencies()
    -> (tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>)
    attributes {nanochat.tolerance = 1.0e-7 : f64} {
  %cos, %sin = nanochat.rope_table seq = 2 dim = 4 theta = 100.0 : tensor<2x2xf32>
  %ec = arith.constant dense<[[1.0, 1.0], [0.540302306, 0.995004165]]> : tensor<2x2xf32>
  %es = arith.constant dense<[[0.0, 0.0], [0.841470985, 0.0998334166]]> : tensor<2x2xf32>
  return %cos, %ec, %sin, %es : tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>
}

// A quarter turn at the second position takes (a, b) to (−b, a), in both heads of both sequences.
func.func @halves_of_a_head_are_turned_by_position() -> (tensor<4x8xf32>, tensor<4x8xf32>)
    attributes {nanochat.tolerance = 0.0 : f64} {
  %cos = arith.constant dense<[[1.0, 1.0], [0.0, 0.0]]> : tensor<2x2xf32>
  %sin = arith.constant dense<[[0.0, 0.0], [1.0, 1.0]]> : tensor<2x2xf32>
  %x = arith.constant dense<[[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0],
                             [2.0, 1.0, 4.0, 3.0, 6.0, 5.0, 8.0, 7.0], [2.0, 1.0, 4.0, 3.0, 6.0, 5.0, 8.0, 7.0]]> : tensor<4x8xf32>
  %y = nanochat.rope %x, %cos, %sin heads = 2 : tensor<4x8xf32>, tensor<2x2xf32>
  %e = arith.constant dense<[[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], [-3.0, -4.0, 1.0, 2.0, -7.0, -8.0, 5.0, 6.0],
                             [2.0, 1.0, 4.0, 3.0, 6.0, 5.0, 8.0, 7.0], [-4.0, -3.0, 2.0, 1.0, -8.0, -7.0, 6.0, 5.0]]> : tensor<4x8xf32>
  return %y, %e : tensor<4x8xf32>, tensor<4x8xf32>
}

func.func @inverse_turns_back_and_norms_stay() -> (tensor<3x4xf64>, tensor<3x4xf64>, tensor<3xf64>, tensor<3xf64>)
    attributes {nanochat.tolerance = 1.0e-12 : f64} {
  %cos, %sin = nanochat.rope_table seq = 3 dim = 4 theta = 10.0 : tensor<3x2xf64>
  %x = arith.constant dense<[[1.0, 2.0, -3.0, 4.0], [0.5, -0.5, 2.5, 1.5], [-1.0, 0.0, 3.0, 2.0]]> : tensor<3x4xf64>
  %y = nanochat.rope %x, %cos, %sin heads = 1 : tensor<3x4xf64>, tensor<3x2xf64>
  %z = nanochat.rope %y, %cos, %sin heads = 1 inverse : tensor<3x4xf64>, tensor<3x2xf64>
  %zero = arith.constant dense<0.0> : tensor<3xf64>
  %squares = arith.mulf %y, %y : tensor<3x4xf64>
  %norms = linalg.reduce {arith.addf} ins(%squares : tensor<3x4xf64>) outs(%zero : tensor<3xf64>) dimensions = [1]
  %expected = arith.constant dense<[30.0, 9.0, 14.0]> : tensor<3xf64>
  return %z, %x, %norms, %expected : tensor<3x4xf64>, tensor<3x4xf64>, tensor<3xf64>, tensor<3xf64>
}

// One q and one k at every position: products at distances 0 and −1 agree wherever they start.
func.func @products_depend_on_distance_only() -> (tensor<2xf64>, tensor<2xf64>)
    attributes {nanochat.tolerance = 1.0e-12 : f64} {
  %cos, %sin = nanochat.rope_table seq = 3 dim = 4 theta = 10.0 : tensor<3x2xf64>
  %q = arith.constant dense<[[1.0, 2.0, -3.0, 4.0], [1.0, 2.0, -3.0, 4.0], [1.0, 2.0, -3.0, 4.0]]> : tensor<3x4xf64>
  %k = arith.constant dense<[[0.5, -0.5, 2.5, 1.5], [0.5, -0.5, 2.5, 1.5], [0.5, -0.5, 2.5, 1.5]]> : tensor<3x4xf64>
  %qr = nanochat.rope %q, %cos, %sin heads = 1 : tensor<3x4xf64>, tensor<3x2xf64>
  %kr = nanochat.rope %k, %cos, %sin heads = 1 : tensor<3x4xf64>, tensor<3x2xf64>
  %s = nanochat.matmul %qr, %kr transposed : tensor<3x4xf64>, tensor<3x4xf64>
  %early = tensor.extract_slice %s[0, 0] [1, 2] [1, 1] : tensor<3x3xf64> to tensor<2xf64>
  %late = tensor.extract_slice %s[1, 1] [1, 2] [1, 1] : tensor<3x3xf64> to tensor<2xf64>
  return %early, %late : tensor<2xf64>, tensor<2xf64>
}

func.func @rope_gradient(%x: tensor<6x8xf64>) -> tensor<6x8xf64> attributes {nanochat.check_grad} {
  %cos, %sin = nanochat.rope_table seq = 3 dim = 4 theta = 10.0 : tensor<3x2xf64>
  %y = nanochat.rope %x, %cos, %sin heads = 2 : tensor<6x8xf64>, tensor<3x2xf64>
  return %y : tensor<6x8xf64>
}
