// RUN: nanochat-opt %s --nanochat-check-numeric

func.func @sgd_steps_along_the_decayed_gradient() -> (tensor<2xf32>, tensor<2xf32>) {
  %w = arith.constant dense<[1.0, -2.0]> : tensor<2xf32>
  %g = arith.constant dense<[0.5, 1.0]> : tensor<2xf32>
  %lr = arith.constant dense<0.1> : tensor<f32>
  %wd = arith.constant dense<0.2> : tensor<f32>
  %new = nanochat.sgd %w, %g lr %lr weight_decay %wd : tensor<2xf32>, tensor<2xf32>, tensor<f32>, tensor<f32>
  %expected = arith.constant dense<[0.93, -2.06]> : tensor<2xf32>
  return %new, %expected : tensor<2xf32>, tensor<2xf32>
}

// By hand for w = 1, lr = .1, weight decay .01 and gradients .5, −.25; the first step is lr·sign(g).
func.func @adamw_first_two_steps() -> (tensor<2x1xf64>, tensor<2x1xf64>, tensor<1xf64>, tensor<1xf64>,
    tensor<1xf64>, tensor<1xf64>, tensor<f64>, tensor<f64>) attributes {nanochat.tolerance = 1.0e-10 : f64} {
  %w = arith.constant dense<1.0> : tensor<1xf64>
  %zeros = arith.constant dense<0.0> : tensor<1xf64>
  %zero = arith.constant dense<0.0> : tensor<f64>
  %lr = arith.constant dense<0.1> : tensor<f64>
  %wd = arith.constant dense<0.01> : tensor<f64>
  %grads = arith.constant dense<[[0.5], [-0.25]]> : tensor<2x1xf64>
  %r:5 = nanochat.loop "steps" = 2
      carry(%p = %w : tensor<1xf64>, %m = %zeros : tensor<1xf64>, %v = %zeros : tensor<1xf64>, %t = %zero : tensor<f64>)
      slice(%g = %grads : tensor<2x1xf64>) {
    %new:4 = nanochat.adamw %p, %g lr %lr weight_decay %wd states %m, %v, %t : tensor<1xf64>, tensor<1xf64>, tensor<f64>
      : tensor<1xf64>, tensor<1xf64>, tensor<f64>, tensor<f64>
    nanochat.yield %new#0, %new#1, %new#2, %new#3 : tensor<1xf64>, tensor<1xf64>, tensor<1xf64>, tensor<f64>
      stack %new#0 : tensor<1xf64>
  }
  %w_expected = arith.constant dense<[[0.899000002], [0.8712640578738274]]> : tensor<2x1xf64>
  %m_expected = arith.constant dense<0.02> : tensor<1xf64>
  %v_expected = arith.constant dense<0.015> : tensor<1xf64>
  %two = arith.constant dense<2.0> : tensor<f64>
  return %r#4, %w_expected, %r#1, %m_expected, %r#2, %v_expected, %r#3, %two
    : tensor<2x1xf64>, tensor<2x1xf64>, tensor<1xf64>, tensor<1xf64>, tensor<1xf64>, tensor<1xf64>, tensor<f64>, tensor<f64>
}

// diag(3, 4)/5 has singular values .6 and .8, which become .722876 and 1.119204; 0.2·√2 scales them.
func.func @muon_orthogonalises_scales_and_decays() -> (tensor<2x2xf64>, tensor<2x2xf64>, tensor<2x2xf64>, tensor<2x2xf64>)
    attributes {nanochat.tolerance = 1.0e-7 : f64} {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf64>
  %g = arith.constant dense<[[3.0, 0.0], [0.0, 4.0]]> : tensor<2x2xf64>
  %m = arith.constant dense<0.0> : tensor<2x2xf64>
  %lr = arith.constant dense<0.1> : tensor<f64>
  %wd = arith.constant dense<0.5> : tensor<f64>
  %new:2 = nanochat.muon %w, %g lr %lr weight_decay %wd states %m : tensor<2x2xf64>
    : tensor<2x2xf64>, tensor<2x2xf64>, tensor<f64>, tensor<f64>
  %expected = arith.constant dense<[[0.9295539743685, 1.9], [2.85, 3.7683441324650]]> : tensor<2x2xf64>
  return %new#0, %expected, %new#1, %g : tensor<2x2xf64>, tensor<2x2xf64>, tensor<2x2xf64>, tensor<2x2xf64>
}

// Momentum diag(3, 4) and gradient diag(4, 0): M = diag(6.85, 3.8), U = diag(10.5075, 3.61) or M.
func.func @muon_looks_ahead_with_nesterov_in_each_matrix_of_a_stack() -> (tensor<2x2x3xf64>, tensor<2x2x3xf64>,
    tensor<2x2x3xf64>, tensor<2x2x3xf64>, tensor<2x2x3xf64>, tensor<2x2x3xf64>) attributes {nanochat.tolerance = 1.0e-7 : f64} {
  %w = arith.constant dense<0.0> : tensor<2x2x3xf64>
  %m = arith.constant dense<[[[3.0, 0.0, 0.0], [0.0, 4.0, 0.0]], [[6.0, 0.0, 0.0], [0.0, 0.0, 8.0]]]> : tensor<2x2x3xf64>
  %g = arith.constant dense<[[[4.0, 0.0, 0.0], [0.0, 0.0, 0.0]], [[8.0, 0.0, 0.0], [0.0, 0.0, 0.0]]]> : tensor<2x2x3xf64>
  %lr = arith.constant dense<-1.0> : tensor<f64> // so that the update is the new parameter
  %wd = arith.constant dense<0.0> : tensor<f64>
  %ahead:2 = nanochat.muon %w, %g lr %lr weight_decay %wd states %m : tensor<2x2x3xf64>
    : tensor<2x2x3xf64>, tensor<2x2x3xf64>, tensor<f64>, tensor<f64>
  %plain:2 = nanochat.muon %w, %g lr %lr weight_decay %wd states %m : tensor<2x2x3xf64> {nesterov = false}
    : tensor<2x2x3xf64>, tensor<2x2x3xf64>, tensor<f64>, tensor<f64>
  %ahead_expected = arith.constant dense<
      [[[0.2606215309771, 0.0, 0.0], [0.0, 0.3915903973171, 0.0]],
       [[0.2606215309771, 0.0, 0.0], [0.0, 0.0, 0.3915903973171]]]> : tensor<2x2x3xf64>
  %plain_expected = arith.constant dense<
      [[[0.2793160383233, 0.0, 0.0], [0.0, 0.3008282293782, 0.0]],
       [[0.2793160383233, 0.0, 0.0], [0.0, 0.0, 0.3008282293782]]]> : tensor<2x2x3xf64>
  %m_expected = arith.constant dense<[[[6.85, 0.0, 0.0], [0.0, 3.8, 0.0]], [[13.7, 0.0, 0.0], [0.0, 0.0, 7.6]]]> : tensor<2x2x3xf64>
  return %ahead#0, %ahead_expected, %plain#0, %plain_expected, %ahead#1, %m_expected
    : tensor<2x2x3xf64>, tensor<2x2x3xf64>, tensor<2x2x3xf64>, tensor<2x2x3xf64>, tensor<2x2x3xf64>, tensor<2x2x3xf64>
}
