// RUN: nanochat-opt %s --nanochat-check-numeric

func.func @weights_become_signs_around_half_their_mean()
    -> (tensor<1x4xi8>, tensor<1x4xi8>, tensor<f32>, tensor<f32>)
    attributes {nanochat.tolerance = 0.0 : f64} {
  %w = arith.constant dense<[[0.5, -0.2, 0.05, -1.0]]> : tensor<1x4xf32>
  %t, %gamma = nanochat.ternarize %w : tensor<1x4xf32>
  %et = arith.constant dense<[[1, 0, 0, -1]]> : tensor<1x4xi8>
  %eg = arith.constant dense<0.4375> : tensor<f32>
  return %t, %et, %gamma, %eg : tensor<1x4xi8>, tensor<1x4xi8>, tensor<f32>, tensor<f32>
}

func.func @rows_become_int8_by_their_largest_value()
    -> (tensor<1x4xi8>, tensor<1x4xi8>, tensor<1xf32>, tensor<1xf32>)
    attributes {nanochat.tolerance = 1.0e-8 : f64} {
  %x = arith.constant dense<[[0.3, -1.2, 0.75, 0.01]]> : tensor<1x4xf32>
  %q, %s = nanochat.quantize_rows %x : tensor<1x4xf32>
  %eq = arith.constant dense<[[32, -127, 79, 1]]> : tensor<1x4xi8>
  %es = arith.constant dense<0.00944881890> : tensor<1xf32>
  return %q, %eq, %s, %es : tensor<1x4xi8>, tensor<1x4xi8>, tensor<1xf32>, tensor<1xf32>
}

// The accumulator is 32·1 + 1·(−1) = 31.
func.func @linear_is_the_integer_product_scaled() -> (tensor<1x1xf32>, tensor<1x1xf32>)
    attributes {nanochat.tolerance = 1.0e-7 : f64} {
  %x = arith.constant dense<[[0.3, -1.2, 0.75, 0.01]]> : tensor<1x4xf32>
  %w = arith.constant dense<[[0.5, -0.2, 0.05, -1.0]]> : tensor<1x4xf32>
  %y = nanochat.ternary_linear %x, %w : tensor<1x4xf32>, tensor<1x4xf32>
  %e = arith.constant dense<0.128149606> : tensor<1x1xf32>
  return %y, %e : tensor<1x1xf32>, tensor<1x1xf32>
}

// The row's largest value is 127, so the scale is one; the mean of |w| is one, so 0.5 is a tie.
func.func @ties_round_to_even()
    -> (tensor<1x8xi8>, tensor<1x8xi8>, tensor<1x4xi8>, tensor<1x4xi8>)
    attributes {nanochat.tolerance = 0.0 : f64} {
  %x = arith.constant dense<[[127.0, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 125.5]]> : tensor<1x8xf32>
  %q, %s = nanochat.quantize_rows %x : tensor<1x8xf32>
  %eq = arith.constant dense<[[127, 0, 2, 2, 0, -2, -2, 126]]> : tensor<1x8xi8>
  %w = arith.constant dense<[[0.5, -0.5, 1.5, -1.5]]> : tensor<1x4xf32>
  %t, %gamma = nanochat.ternarize %w : tensor<1x4xf32>
  %et = arith.constant dense<[[0, 0, 1, -1]]> : tensor<1x4xi8>
  return %q, %eq, %t, %et : tensor<1x8xi8>, tensor<1x8xi8>, tensor<1x4xi8>, tensor<1x4xi8>
}

func.func @zero_rows_and_weights_stay_zero_with_the_smallest_scale()
    -> (tensor<2x2xi8>, tensor<2x2xi8>, tensor<2xf32>, tensor<2xf32>, tensor<1x2xi8>, tensor<1x2xi8>,
        tensor<f32>, tensor<f32>, tensor<2x1xf32>, tensor<2x1xf32>)
    attributes {nanochat.tolerance = 1.0e-9 : f64} {
  %x = arith.constant dense<[[0.0, 0.0], [127.0, -127.0]]> : tensor<2x2xf32>
  %w = arith.constant dense<0.0> : tensor<1x2xf32>
  %q, %s = nanochat.quantize_rows %x : tensor<2x2xf32>
  %t, %gamma = nanochat.ternarize %w : tensor<1x2xf32>
  %y = nanochat.ternary_matmul %q, %s, %t, %gamma : tensor<2x2xi8>, tensor<2xf32>, tensor<1x2xi8>, tensor<f32>
  %eq = arith.constant dense<[[0, 0], [127, -127]]> : tensor<2x2xi8>
  %es = arith.constant dense<[7.87401575e-08, 1.0]> : tensor<2xf32>
  %et = arith.constant dense<0> : tensor<1x2xi8>
  %eg = arith.constant dense<1.0e-5> : tensor<f32>
  %ey = arith.constant dense<0.0> : tensor<2x1xf32>
  return %q, %eq, %s, %es, %t, %et, %gamma, %eg, %y, %ey
      : tensor<2x2xi8>, tensor<2x2xi8>, tensor<2xf32>, tensor<2xf32>, tensor<1x2xi8>, tensor<1x2xi8>,
        tensor<f32>, tensor<f32>, tensor<2x1xf32>, tensor<2x1xf32>
}

// Groups of 2 inputs: means 0.375, 0.5 and 2, 1; row 0 of x is exact in int8 with scale one.
func.func @groups_have_their_own_scales()
    -> (tensor<2x4xi8>, tensor<2x4xi8>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<1x2xf32>, tensor<1x2xf32>)
    attributes {nanochat.tolerance = 0.0 : f64} {
  %w = arith.constant dense<[[0.5, -0.25, 0.125, 0.875], [-3.0, 1.0, 0.5, 1.5]]> : tensor<2x4xf32>
  %x = arith.constant dense<[[127.0, 2.0, 3.0, -4.0]]> : tensor<1x4xf32>
  %t, %gamma = nanochat.ternarize %w group 2 : tensor<2x4xf32>
  %et = arith.constant dense<[[1, -1, 0, 1], [-1, 0, 0, 1]]> : tensor<2x4xi8>
  %eg = arith.constant dense<[[0.375, 0.5], [2.0, 1.0]]> : tensor<2x2xf32>
  %y = nanochat.ternary_linear %x, %w {group = 2} : tensor<1x4xf32>, tensor<2x4xf32>
  // 0.375*(127 - 2) + 0.5*(-4) and 2*(-127) + 1*(-4)
  %ey = arith.constant dense<[[44.875, -258.0]]> : tensor<1x2xf32>
  return %t, %et, %gamma, %eg, %y, %ey
      : tensor<2x4xi8>, tensor<2x4xi8>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<1x2xf32>, tensor<1x2xf32>
}

func.func @dequantising_gives_what_the_product_multiplies()
    -> (tensor<2x2xf64>, tensor<2x2xf64>, tensor<2x2xf64>, tensor<2x2xf64>)
    attributes {nanochat.tolerance = 1.0e-12 : f64} {
  %x = arith.constant dense<[[0.3, -1.2], [5.0, 0.4]]> : tensor<2x2xf64>
  %w = arith.constant dense<[[0.5, -0.2], [1.0, 0.1]]> : tensor<2x2xf64>
  %q, %s = nanochat.quantize_rows %x : tensor<2x2xf64>
  %t, %gamma = nanochat.ternarize %w : tensor<2x2xf64>
  %y = nanochat.ternary_matmul %q, %s, %t, %gamma : tensor<2x2xi8>, tensor<2xf64>, tensor<2x2xi8>, tensor<f64>
  %xq = nanochat.dequantize_rows %q, %s : tensor<2x2xi8>, tensor<2xf64>
  %wq = nanochat.dequantize_weight %t, %gamma : tensor<2x2xi8>, tensor<f64>
  %e = nanochat.linear %xq, %wq : tensor<2x2xf64>, tensor<2x2xf64>
  %ew = arith.constant dense<[[0.45, 0.0], [0.45, 0.0]]> : tensor<2x2xf64>
  return %y, %e, %wq, %ew : tensor<2x2xf64>, tensor<2x2xf64>, tensor<2x2xf64>, tensor<2x2xf64>
}

// Codes 16384 (a tie), −32767, 8192: dx = 2/32767·(16384 + 8192, 32767 + 8192).
func.func @input_gradient_in_16_bits() -> (tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf32>)
    attributes {nanochat.tolerance = 1.0e-6 : f64} {
  %dy = arith.constant dense<[[0.5, -1.0, 0.25]]> : tensor<1x3xf32>
  %t = arith.constant dense<[[1, 0], [0, -1], [1, 1]]> : tensor<3x2xi8>
  %gamma = arith.constant dense<2.0> : tensor<f32>
  %dx = nanochat.ternary_input_grad %dy, %t, %gamma : tensor<1x3xf32>, tensor<3x2xi8>, tensor<f32>
  %e = arith.constant dense<[[1.50004578, 2.50001526]]> : tensor<1x2xf32>
  %none = arith.constant dense<0.0> : tensor<1x3xf32>
  %dz = nanochat.ternary_input_grad %none, %t, %gamma : tensor<1x3xf32>, tensor<3x2xi8>, tensor<f32>
  %z = arith.constant dense<0.0> : tensor<1x2xf32>
  return %dx, %e, %dz, %z : tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf32>
}

// dy·s is (2, −1) in column 0: codes 32767 and −16384 (a tie); column 1 is zero.
func.func @weight_gradient_in_16_bits() -> (tensor<2x1xf32>, tensor<2x1xf32>) attributes {nanochat.tolerance = 1.0e-6 : f64} {
  %dy = arith.constant dense<[[4.0, 0.0], [-0.5, 0.0]]> : tensor<2x2xf32>
  %q = arith.constant dense<[[127], [-100]]> : tensor<2x1xi8>
  %s = arith.constant dense<[0.5, 2.0]> : tensor<2xf32>
  %dw = nanochat.ternary_weight_grad %dy, %q, %s : tensor<2x2xf32>, tensor<2x1xi8>, tensor<2xf32>
  %e = arith.constant dense<[[354.003052], [0.0]]> : tensor<2x1xf32>
  return %dw, %e : tensor<2x1xf32>, tensor<2x1xf32>
}

// The address is of zeros: its halves are .9095, .3991, .7717, .8805, .6731, .7357, .8588 and .6055 of 65536. What is above is rounded up.
func.func @by_chance() -> (tensor<1x8xi8>, tensor<1x8xi8>, tensor<1xf32>, tensor<1xf32>, tensor<8x1xi8>, tensor<8x1xi8>, tensor<1xf32>, tensor<1xf32>)
    attributes {nanochat.tolerance = 0.0 : f64} {
  %x = arith.constant dense<[[127.0, 0.5, 0.75, 1.9, -1.25, 2.8, 0.0, -126.5]]> : tensor<1x8xf32>
  %a = arith.constant dense<0> : tensor<5xi32>
  %q, %m = nanochat.quantize_stochastic %x axis = 1 draws %a : tensor<1x8xf32>
  %eq = arith.constant dense<[[127, 1, 0, 2, -1, 3, 0, -127]]> : tensor<1x8xi8>
  %em = arith.constant dense<127.0> : tensor<1xf32>
  // In units of 2, with as large numbers as 63.
  %y = arith.constant dense<[[126.0], [1.0], [1.5], [1.9], [-2.5], [5.5], [0.0], [-0.5]]> : tensor<8x1xf32>
  %s = arith.constant dense<[0.5, 0.5, 0.5, 1.0, 0.5, 0.5, 1.0, 1.0]> : tensor<8xf32>
  %r, %n = nanochat.quantize_stochastic %y scaled %s : tensor<8xf32> axis = 0 limit = 63 draws %a : tensor<8x1xf32>
  %er = arith.constant dense<[[63], [1], [0], [2], [-1], [3], [0], [-1]]> : tensor<8x1xi8>
  %en = arith.constant dense<63.0> : tensor<1xf32>
  return %q, %eq, %m, %em, %r, %er, %n, %en : tensor<1x8xi8>, tensor<1x8xi8>, tensor<1xf32>, tensor<1xf32>, tensor<8x1xi8>, tensor<8x1xi8>, tensor<1xf32>, tensor<1xf32>
}

// The mean of |w| is 0.4375, of the groups 0.35 and 0.525: -0.2 lies above half of the first, negated, and below half of the second.
func.func @codes_by_a_scale_are_those_of_ternarize()
    -> (tensor<f32>, tensor<f32>, tensor<1x4xi8>, tensor<1x4xi8>, tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x4xi8>, tensor<1x4xi8>)
    attributes {nanochat.tolerance = 1.0e-7 : f64} {
  %w = arith.constant dense<[[0.5, -0.2, 0.05, -1.0]]> : tensor<1x4xf32>
  %gamma = nanochat.ternary_scale %w : tensor<1x4xf32>
  %t = nanochat.ternarize_by %w by %gamma : tensor<1x4xf32>, tensor<f32>
  %gammas = nanochat.ternary_scale %w group 2 : tensor<1x4xf32>
  %tg = nanochat.ternarize_by %w by %gammas : tensor<1x4xf32>, tensor<1x2xf32>
  %eg = arith.constant dense<0.4375> : tensor<f32>
  %et = arith.constant dense<[[1, 0, 0, -1]]> : tensor<1x4xi8>
  %egs = arith.constant dense<[[0.35, 0.525]]> : tensor<1x2xf32>
  %etg = arith.constant dense<[[1, -1, 0, -1]]> : tensor<1x4xi8>
  return %gamma, %eg, %t, %et, %gammas, %egs, %tg, %etg : tensor<f32>, tensor<f32>, tensor<1x4xi8>, tensor<1x4xi8>, tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x4xi8>, tensor<1x4xi8>
}
