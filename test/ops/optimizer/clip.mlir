// RUN: nanochat-opt %s --nanochat-check-numeric

func.func @grad_norm_is_over_all_elements_of_all_ranks() -> (tensor<f32>, tensor<f32>) {
  %scalar = arith.constant dense<-3.0> : tensor<f32>                      // 9
  %vector = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>              // 5
  %matrix = arith.constant dense<[[1.0, -1.0, 1.0], [2.0, 0.0, 0.0]]> : tensor<2x3xf32> // 7
  %stack = arith.constant dense<2.0> : tensor<5x1x5xf32>                  // 100
  %norm = nanochat.grad_norm %scalar, %vector, %matrix, %stack : tensor<f32>, tensor<2xf32>, tensor<2x3xf32>, tensor<5x1x5xf32>
  %expected = arith.constant dense<11.0> : tensor<f32>
  return %norm, %expected : tensor<f32>, tensor<f32>
}

func.func @clipping_only_shrinks() -> (tensor<2xf64>, tensor<2xf64>, tensor<3xf64>, tensor<3xf64>)
    attributes {nanochat.tolerance = 1.0e-12 : f64} {
  %norms = arith.constant dense<[3.999999, 0.5]> : tensor<2xf64>
  %found = nanochat.loop "cases" = 2 slice(%norm = %norms : tensor<2xf64>) {
    %factor = nanochat.clip_scale %norm {max = 2.0 : f64} : tensor<f64>
    nanochat.yield stack %factor : tensor<f64>
  }
  %expected = arith.constant dense<[0.5, 1.0]> : tensor<2xf64>
  %g = arith.constant dense<[1.0, -2.0, 4.0]> : tensor<3xf64>
  %half = arith.constant dense<0.5> : tensor<f64>
  %scaled = nanochat.scale %g, %half : tensor<3xf64>, tensor<f64>
  %scaled_expected = arith.constant dense<[0.5, -1.0, 2.0]> : tensor<3xf64>
  return %found, %expected, %scaled, %scaled_expected : tensor<2xf64>, tensor<2xf64>, tensor<3xf64>, tensor<3xf64>
}
