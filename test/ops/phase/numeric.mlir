// RUN: nanochat-opt %s --nanochat-check-numeric

// diag(3, 4, 0…)/5: after ten steps of 1.5·x − 0.5·x³ both singular values are 1; √(out/in) scales them. A published
// value: .01 becomes .529450.
func.func @fire() -> (tensor<2x2x4xf64>, tensor<2x2x4xf64>, tensor<4x2xf64>, tensor<4x2xf64>) attributes {nanochat.tolerance = 2.0e-6 : f64} {
  %w = arith.constant dense<[[[3.0, 0.0, 0.0, 0.0], [0.0, 0.0, 4.0, 0.0]], [[0.01, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, -0.99995]]]> : tensor<2x2x4xf64>
  %x = nanochat.fire %w : tensor<2x2x4xf64>
  %e = arith.constant dense<[[[0.70710678, 0.0, 0.0, 0.0], [0.0, 0.0, 0.70710678, 0.0]],
                             [[0.37437769, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, -0.70710678]]]> : tensor<2x2x4xf64>
  %tall = arith.constant dense<[[3.0, 0.0], [0.0, 0.0], [0.0, 4.0], [0.0, 0.0]]> : tensor<4x2xf64>
  %y = nanochat.fire %tall : tensor<4x2xf64>
  %ye = arith.constant dense<[[1.41421356, 0.0], [0.0, 0.0], [0.0, 1.41421356], [0.0, 0.0]]> : tensor<4x2xf64>
  return %x, %e, %y, %ye : tensor<2x2x4xf64>, tensor<2x2x4xf64>, tensor<4x2xf64>, tensor<4x2xf64>
}
