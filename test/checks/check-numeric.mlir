// RUN: nanochat-opt %s --nanochat-check-numeric=summary | FileCheck %s
// CHECK: 4 functions, 5 comparisons

func.func @linear_sums_over_channels() -> (tensor<2x2xf32>, tensor<2x2xf32>) {
  %x = arith.constant dense<[[1.0, 2.0, 3.0], [0.0, -1.0, 2.0]]> : tensor<2x3xf32>
  %w = arith.constant dense<[[1.0, 0.0, 0.0], [0.5, 0.5, 1.0]]> : tensor<2x3xf32>
  %y = nanochat.linear %x, %w : tensor<2x3xf32>, tensor<2x3xf32>
  %expected = arith.constant dense<[[1.0, 4.5], [0.0, 1.5]]> : tensor<2x2xf32>
  return %y, %expected : tensor<2x2xf32>, tensor<2x2xf32>
}

func.func @tolerance_is_an_attribute() -> (tensor<1xf64>, tensor<1xf64>) attributes {nanochat.tolerance = 1.0e-2 : f64} {
  %a = arith.constant dense<1.01> : tensor<1xf64>
  %b = arith.constant dense<1.0> : tensor<1xf64>
  return %a, %b : tensor<1xf64>, tensor<1xf64>
}

func.func @integers_and_bits_compare() -> (tensor<2xi32>, tensor<2xi32>, tensor<2xi1>, tensor<2xi1>) {
  %a = arith.constant dense<[3, -4]> : tensor<2xi32>
  %two = arith.constant dense<2> : tensor<2xi32>
  %b = arith.muli %a, %two : tensor<2xi32>
  %c = arith.constant dense<[6, -8]> : tensor<2xi32>
  %less = arith.cmpi slt, %a, %b : tensor<2xi32>
  %bits = arith.constant dense<[true, false]> : tensor<2xi1>
  return %b, %c, %less, %bits : tensor<2xi32>, tensor<2xi32>, tensor<2xi1>, tensor<2xi1>
}

// Two carried values that change places, and a private function called twice.
func.func private @twice(%x: tensor<2xf32>) -> tensor<2xf32> {
  %y = arith.addf %x, %x : tensor<2xf32>
  return %y : tensor<2xf32>
}
func.func @carried_values_may_swap() -> (tensor<2xf32>, tensor<2xf32>) {
  %a = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %b = arith.constant dense<[5.0, 7.0]> : tensor<2xf32>
  %p, %q = nanochat.loop "swap" = 3 carry(%x = %a : tensor<2xf32>, %y = %b : tensor<2xf32>) {
    %z = func.call @twice(%y) : (tensor<2xf32>) -> tensor<2xf32>
    nanochat.yield %z, %x : tensor<2xf32>, tensor<2xf32>
  }
  %r = call @twice(%q) : (tensor<2xf32>) -> tensor<2xf32>
  %s = arith.addf %p, %r : tensor<2xf32>
  // (1, 5) -> (10, 1) -> (2, 10) -> (20, 2): p + 2q = 24, and 28 + 2·4 = 36 for the second.
  %expected = arith.constant dense<[24.0, 36.0]> : tensor<2xf32>
  return %s, %expected : tensor<2xf32>, tensor<2xf32>
}
