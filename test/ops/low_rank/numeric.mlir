// Small cases by hand; properties over random shapes are in test/optimizers/properties.mlir.
// RUN: nanochat-opt %s --nanochat-check-numeric

// K = L·Lᵀ with L = [2 0; 1 3]: L⁻¹ = [1/2 0; −1/6 1/3]. With shift·trace = 0.1·14, the first pivot is 5.4.
func.func @cholesky_inverse() -> (tensor<2x2xf64>, tensor<2x2xf64>, tensor<2x2xf64>, tensor<2x2xf64>) {
  %k = arith.constant dense<[[4.0, 2.0], [2.0, 10.0]]> : tensor<2x2xf64>
  %x = nanochat.cholesky_inverse %k : tensor<2x2xf64>
  %e = arith.constant dense<[[0.5, 0.0], [-0.16666666666666667, 0.33333333333333333]]> : tensor<2x2xf64>
  %shifted = nanochat.cholesky_inverse %k {shift = 0.1 : f64} : tensor<2x2xf64>
  %se = arith.constant dense<[[0.4303314829119352, 0.0], [-0.11344169922635333, 0.30629258791115405]]> : tensor<2x2xf64>
  return %x, %e, %shifted, %se : tensor<2x2xf64>, tensor<2x2xf64>, tensor<2x2xf64>, tensor<2x2xf64>
}

// [2 1; 1 2] has the eigenvalues 3 and 1; the outer product of each eigenvector has no sign.
func.func @symmetric_eigen() -> (tensor<2xf64>, tensor<2xf64>, tensor<2x2xf64>, tensor<2x2xf64>) {
  %a = arith.constant dense<[[2.0, 1.0], [1.0, 2.0]]> : tensor<2x2xf64>
  %l, %v = nanochat.symmetric_eigen %a : tensor<2x2xf64>
  %e = arith.constant dense<[3.0, 1.0]> : tensor<2xf64>
  %squares = arith.mulf %v, %v : tensor<2x2xf64>
  %half = arith.constant dense<0.5> : tensor<2x2xf64>
  return %l, %e, %squares, %half : tensor<2xf64>, tensor<2xf64>, tensor<2x2xf64>, tensor<2x2xf64>
}

func.func @orthonormalize() -> (tensor<3x2xf32>, tensor<3x2xf32>) attributes {nanochat.tolerance = 1.0e-5 : f64} {
  %y = arith.constant dense<[[3.0, 1.0], [4.0, 3.0], [0.0, 5.0]]> : tensor<3x2xf32>
  %q = nanochat.orthonormalize %y : tensor<3x2xf32>
  // y₂ − 3·q₁ = (−.8, .6, 5), of length √26.
  %e = arith.constant dense<[[0.6, -0.15689291], [0.8, 0.11766968], [0.0, 0.98058068]]> : tensor<3x2xf32>
  return %q, %e : tensor<3x2xf32>, tensor<3x2xf32>
}

// Of diag(5, 1, 3), the axes 0 and 2; squares have no sign.
func.func @low_rank_basis() -> (tensor<3x2xf32>, tensor<3x2xf32>) attributes {nanochat.tolerance = 1.0e-4 : f64} {
  %g = arith.constant dense<[[5.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 3.0]]> : tensor<3x3xf32>
  %id = arith.constant dense<1> : tensor<i32>
  %stream = arith.constant dense<[1, 2, 3]> : tensor<3xi32>
  %p = nanochat.low_rank_basis %g, %stream, %id, %id : tensor<3x3xf32> to tensor<3x2xf32>
  %squares = arith.mulf %p, %p : tensor<3x2xf32>
  %e = arith.constant dense<[[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]]> : tensor<3x2xf32>
  return %squares, %e : tensor<3x2xf32>, tensor<3x2xf32>
}

// Matrices 2 to 5 of 8 in 20 steps: at 5, 7, 10 and 12.
func.func @refresh_schedule() -> (tensor<4xi32>, tensor<4xi32>, tensor<4xi32>, tensor<4xi32>, tensor<4xi32>, tensor<4xi32>) {
  %start = arith.constant dense<0> : tensor<i32>
  %later = arith.constant dense<47> : tensor<i32>
  %between = arith.constant dense<48> : tensor<i32>
  %a = nanochat.refresh_schedule %start {period = 20, first = 2, of = 8} : tensor<4xi32>
  %b = nanochat.refresh_schedule %later {period = 20, first = 2, of = 8} : tensor<4xi32>
  %c = nanochat.refresh_schedule %between {period = 20, first = 2, of = 8} : tensor<4xi32>
  %ae = arith.constant dense<[1, 2, 3, 4]> : tensor<4xi32>
  %be = arith.constant dense<[0, 2, 0, 0]> : tensor<4xi32>
  %ce = arith.constant dense<0> : tensor<4xi32>
  return %a, %ae, %b, %be, %c, %ce : tensor<4xi32>, tensor<4xi32>, tensor<4xi32>, tensor<4xi32>, tensor<4xi32>, tensor<4xi32>
}
