// RUN: nanochat-opt %s -split-input-file -verify-diagnostics --nanochat-check-numeric

// expected-error @+1 {{result 0 differs from result 1 at [1, 0]: found 2.500000e+00, expected 2.000000e+00 (tolerance 1.000000e-06)}}
func.func @first_bad_element_is_named() -> (tensor<2x2xf32>, tensor<2x2xf32>) {
  %a = arith.constant dense<[[1.0, 2.0], [2.5, 9.0]]> : tensor<2x2xf32>
  %b = arith.constant dense<[[1.0, 2.0], [2.0, 4.0]]> : tensor<2x2xf32>
  return %a, %b : tensor<2x2xf32>, tensor<2x2xf32>
}

// -----

// expected-error @+1 {{result 2 differs from result 3 at [0]: found 3.000000e+00, expected 4.000000e+00}}
func.func @integers_are_exact() -> (tensor<1xf32>, tensor<1xf32>, tensor<1xi32>, tensor<1xi32>) attributes {nanochat.tolerance = 1.0 : f64} {
  %x = arith.constant dense<1.0> : tensor<1xf32>
  %a = arith.constant dense<3> : tensor<1xi32>
  %b = arith.constant dense<4> : tensor<1xi32>
  return %x, %x, %a, %b : tensor<1xf32>, tensor<1xf32>, tensor<1xi32>, tensor<1xi32>
}

// -----

// expected-error @+1 {{result 0 differs from result 1 at []: found nan, expected 1.000000e+00}}
func.func @nan_is_no_number() -> (tensor<f32>, tensor<f32>) {
  %zero = arith.constant dense<0.0> : tensor<f32>
  %nan = arith.divf %zero, %zero : tensor<f32>
  %one = arith.constant dense<1.0> : tensor<f32>
  return %nan, %one : tensor<f32>, tensor<f32>
}

// -----

// expected-error @+1 {{returns 1 values; return pairs (actual, expected, ...)}}
func.func @results_come_in_pairs() -> tensor<f32> {
  %one = arith.constant dense<1.0> : tensor<f32>
  return %one : tensor<f32>
}
