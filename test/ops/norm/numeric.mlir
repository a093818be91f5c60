// RUN: nanochat-opt %s --nanochat-check-numeric
// RUN: nanochat-opt %s --nanochat-check-grad

func.func @rows_have_root_mean_square_one_before_gain() -> (tensor<2x4xf64>, tensor<2x4xf64>)
    attributes {nanochat.tolerance = 1.0e-12 : f64} {
  %x = arith.constant dense<[[1.0, 2.0, 3.0, 4.0], [1000.0, 1002.0, 1004.0, 1006.0]]> : tensor<2x4xf64>
  %gain = arith.constant dense<[1.0, 2.0, 0.5, -1.0]> : tensor<4xf64>
  %y = nanochat.rms_norm %x, %gain : tensor<2x4xf64>, tensor<4xf64>
  %e = arith.constant dense<[[0.3651483473268884, 1.4605933893075536, 0.5477225209903326, -1.4605933893075536],
      [0.9970064954551697, 1.9980010168921603, 0.5004972607184952, -1.0029885344279008]]> : tensor<2x4xf64>
  return %y, %e : tensor<2x4xf64>, tensor<2x4xf64>
}

func.func @rows_are_centred_and_scaled_by_population_variance() -> (tensor<2x4xf64>, tensor<2x4xf64>)
    attributes {nanochat.tolerance = 1.0e-12 : f64} {
  %x = arith.constant dense<[[1.0, 2.0, 3.0, 4.0], [1000.0, 1002.0, 1004.0, 1006.0]]> : tensor<2x4xf64>
  %gain = arith.constant dense<[1.0, 2.0, 0.5, -1.0]> : tensor<4xf64>
  %bias = arith.constant dense<[0.0, 0.5, -1.0, 2.0]> : tensor<4xf64>
  %y = nanochat.layer_norm %x, %gain, %bias : tensor<2x4xf64>, tensor<4xf64>, tensor<4xf64>
  %e = arith.constant dense<[[-1.3416354199689269, -0.394423613312618, -0.7763940966718454, 0.6583645800310731],
      [-1.3416394448610998, -0.3944262965740666, -0.7763934258564833, 0.6583605551389002]]> : tensor<2x4xf64>
  return %y, %e : tensor<2x4xf64>, tensor<2x4xf64>
}

// Sums of squares would leave nothing of this variance in f32.
func.func @variance_survives_a_large_mean() -> (tensor<1x4xf32>, tensor<1x4xf32>)
    attributes {nanochat.tolerance = 1.0e-5 : f64} {
  %x = arith.constant dense<[[10000.0, 10002.0, 10004.0, 10006.0]]> : tensor<1x4xf32>
  %one = arith.constant dense<1.0> : tensor<4xf32>
  %zero = arith.constant dense<0.0> : tensor<4xf32>
  %y = nanochat.layer_norm %x, %one, %zero : tensor<1x4xf32>, tensor<4xf32>, tensor<4xf32>
  %e = arith.constant dense<[[-1.3416394, -0.4472131, 0.4472131, 1.3416394]]> : tensor<1x4xf32>
  return %y, %e : tensor<1x4xf32>, tensor<1x4xf32>
}

func.func @zero_rows_give_the_bias() -> (tensor<1x2xf32>, tensor<1x2xf32>)
    attributes {nanochat.tolerance = 0.0 : f64} {
  %x = arith.constant dense<0.0> : tensor<1x2xf32>
  %gain = arith.constant dense<3.0> : tensor<2xf32>
  %bias = arith.constant dense<[0.5, -2.0]> : tensor<2xf32>
  %y = nanochat.layer_norm %x, %gain, %bias : tensor<1x2xf32>, tensor<2xf32>, tensor<2xf32>
  %e = arith.constant dense<[[0.5, -2.0]]> : tensor<1x2xf32>
  return %y, %e : tensor<1x2xf32>, tensor<1x2xf32>
}

func.func @rms_norm_has_its_gradients(%x: tensor<3x5xf64>, %gain: tensor<5xf64>) -> tensor<3x5xf64>
    attributes {nanochat.check_grad} {
  %y = nanochat.rms_norm %x, %gain : tensor<3x5xf64>, tensor<5xf64>
  return %y : tensor<3x5xf64>
}
func.func @layer_norm_has_its_gradients(%x: tensor<3x5xf64>, %gain: tensor<5xf64>, %bias: tensor<5xf64>)
    -> tensor<3x5xf64> attributes {nanochat.check_grad} {
  %y = nanochat.layer_norm %x, %gain, %bias : tensor<3x5xf64>, tensor<5xf64>, tensor<5xf64>
  return %y : tensor<3x5xf64>
}
