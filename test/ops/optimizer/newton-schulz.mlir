// RUN: nanochat-opt %s --nanochat-check-numeric
// Singular values go through φ(x) = 3.4445x − 4.7750x³ + 2.0315x⁵, five times.

func.func @singular_values_of_unit_norm_matrices_go_through_the_quintic() -> (tensor<7xf64>, tensor<7xf64>)
    attributes {nanochat.tolerance = 1.0e-6 : f64} {
  // Diagonals (σ, √(1−σ²)), so that the Frobenius norm is 1.
  %g = arith.constant dense<[[[0.01, 0.0, 0.0], [0.0, 0.9999499987499375, 0.0]],
                             [[0.05, 0.0, 0.0], [0.0, 0.998749217771909, 0.0]],
                             [[0.1, 0.0, 0.0], [0.0, 0.99498743710662, 0.0]],
                             [[0.3, 0.0, 0.0], [0.0, 0.9539392014169457, 0.0]],
                             [[0.5, 0.0, 0.0], [0.0, 0.8660254037844386, 0.0]],
                             [[0.8, 0.0, 0.0], [0.0, 0.5999999999999999, 0.0]],
                             [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]]> : tensor<7x2x3xf64>
  %sigma = nanochat.loop "cases" = 7 slice(%one = %g : tensor<7x2x3xf64>) {
    %o = nanochat.newton_schulz %one {eps = 0.0 : f64} : tensor<2x3xf64>
    %corner = tensor.extract_slice %o[0, 0] [1, 1] [1, 1] : tensor<2x3xf64> to tensor<f64>
    nanochat.yield stack %corner : tensor<f64>
  }
  %expected = arith.constant dense<[0.698917, 0.758120, 0.712120, 1.079592, 0.765439, 1.119204, 0.696436]> : tensor<7xf64>
  return %sigma, %expected : tensor<7xf64>, tensor<7xf64>
}

// Rotations by angles of cosine .6 and .28 on either side of diag(.6, .8).
func.func @singular_vectors_stay() -> (tensor<2x2xf64>, tensor<2x2xf64>) attributes {nanochat.tolerance = 1.0e-9 : f64} {
  %u = arith.constant dense<[[0.6, -0.8], [0.8, 0.6]]> : tensor<2x2xf64>
  %v = arith.constant dense<[[0.28, -0.96], [0.96, 0.28]]> : tensor<2x2xf64>
  %d = arith.constant dense<[[0.6, 0.0], [0.0, 0.8]]> : tensor<2x2xf64>
  %ud = nanochat.matmul %u, %d : tensor<2x2xf64>, tensor<2x2xf64>
  %g = nanochat.matmul %ud, %v transposed : tensor<2x2xf64>, tensor<2x2xf64>
  %o = nanochat.newton_schulz %g {eps = 0.0 : f64} : tensor<2x2xf64>
  %phi = arith.constant dense<[[0.722876168617117, 0.0], [0.0, 1.1192039299160428]]> : tensor<2x2xf64>
  %up = nanochat.matmul %u, %phi : tensor<2x2xf64>, tensor<2x2xf64>
  %expected = nanochat.matmul %up, %v transposed : tensor<2x2xf64>, tensor<2x2xf64>
  return %o, %expected : tensor<2x2xf64>, tensor<2x2xf64>
}

func.func @scale_of_the_gradient_does_not_matter() -> (tensor<2x3xf32>, tensor<2x3xf32>)
    attributes {nanochat.tolerance = 1.0e-5 : f64} {
  %g = arith.constant dense<[[1.0, -2.0, 0.5], [0.25, 3.0, -1.5]]> : tensor<2x3xf32>
  %c = arith.constant dense<64.0> : tensor<f32>
  %cg = nanochat.scale %g, %c : tensor<2x3xf32>, tensor<f32>
  %o = nanochat.newton_schulz %g : tensor<2x3xf32>
  %oc = nanochat.newton_schulz %cg : tensor<2x3xf32>
  return %oc, %o : tensor<2x3xf32>, tensor<2x3xf32>
}

func.func @tall_matrices_are_the_transpose_of_wide_ones() -> (tensor<3x2xf32>, tensor<3x2xf32>)
    attributes {nanochat.tolerance = 1.0e-6 : f64} {
  %wide = arith.constant dense<[[1.0, -2.0, 0.5], [0.25, 3.0, -1.5]]> : tensor<2x3xf32>
  %tall = arith.constant dense<[[1.0, 0.25], [-2.0, 3.0], [0.5, -1.5]]> : tensor<3x2xf32>
  %eye = arith.constant dense<[[1.0, 0.0], [0.0, 1.0]]> : tensor<2x2xf32>
  %o = nanochat.newton_schulz %wide : tensor<2x3xf32>
  %ot = nanochat.matmul %o transposed, %eye : tensor<2x3xf32>, tensor<2x2xf32>
  %found = nanochat.newton_schulz %tall : tensor<3x2xf32>
  return %found, %ot : tensor<3x2xf32>, tensor<3x2xf32>
}
