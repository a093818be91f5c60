// RUN: nanochat-opt %s -split-input-file -verify-diagnostics

func.func @not_square(%k: tensor<4x3xf32>) { // cholesky_inverse-c1
  // expected-error @+1 {{expects a symmetric matrix, found 'tensor<4x3xf32>'}}
  %x = nanochat.cholesky_inverse %k : tensor<4x3xf32>
  return
}

// -----

func.func @no_eigenvectors(%k: tensor<4x3xf32>) { // symmetric_eigen-c1
  // expected-error @+1 {{expects a symmetric matrix, found 'tensor<4x3xf32>'}}
  %l, %v = nanochat.symmetric_eigen %k : tensor<4x3xf32>
  return
}

// -----

func.func @too_many_columns(%y: tensor<3x4xf32>) { // orthonormalize-c1
  // expected-error @+1 {{makes columns orthonormal, which no 'tensor<3x4xf32>' has so many of; transpose it}}
  %q = nanochat.orthonormalize %y : tensor<3x4xf32>
  return
}

// -----

func.func @basis_of_the_larger_side(%g: tensor<8x20xf32>, %s: tensor<3xi32>, %i: tensor<i32>) { // low_rank_basis-c1
  // expected-error @+1 {{finds a basis 'tensor<20x3xf32>' for 'tensor<8x20xf32>', expected (8, r) with r from 1 to 8}}
  %p = nanochat.low_rank_basis %g, %s, %i, %i : tensor<8x20xf32> to tensor<20x3xf32>
  return
}
