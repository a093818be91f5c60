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

// u = .9·m + .1·g = (.1, −.05, 0): signs 1, −1 and 0; the third coordinate only decays.
func.func @lion_steps_by_signs() -> (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) {
  %w = arith.constant dense<[1.0, 1.0, 1.0]> : tensor<3xf32>
  %g = arith.constant dense<[1.0, 4.0, 0.0]> : tensor<3xf32>
  %m = arith.constant dense<[0.0, -0.5, 0.0]> : tensor<3xf32>
  %lr = arith.constant dense<0.1> : tensor<f32>
  %wd = arith.constant dense<0.5> : tensor<f32>
  %new:2 = nanochat.lion %w, %g lr %lr weight_decay %wd states %m : tensor<3xf32> : tensor<3xf32>, tensor<3xf32>, tensor<f32>, tensor<f32>
  %expected = arith.constant dense<[0.85, 1.05, 0.95]> : tensor<3xf32>
  %m_expected = arith.constant dense<[0.01, -0.455, 0.0]> : tensor<3xf32>
  return %new#0, %expected, %new#1, %m_expected : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>
}

// From states of zero, rules with 8-bit states do what those with floats do, and keep codes of it.
func.func @first_steps_with_small_states() -> (tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>,
    tensor<2x4xi8>, tensor<2x4xi8>, tensor<2xf32>, tensor<2xf32>, tensor<2x4xi8>, tensor<2x4xi8>) {
  %w = arith.constant dense<[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]> : tensor<2x4xf32>
  %g = arith.constant dense<[[1.27, 0.5, -1.27, 0.0], [1.0e-3, -2.0e-3, 2.54e-3, 0.0]]> : tensor<2x4xf32>
  %z = arith.constant dense<0.0> : tensor<2x4xf32>
  %q = arith.constant dense<0> : tensor<2x4xi8>
  %s = arith.constant dense<0.0> : tensor<2xf32>
  %c = arith.constant dense<0.0> : tensor<f32>
  %lr = arith.constant dense<0.1> : tensor<f32>
  %a:4 = nanochat.adamw %w, %g lr %lr weight_decay %lr states %z, %z, %c : tensor<2x4xf32>, tensor<2x4xf32>, tensor<f32>
    : tensor<2x4xf32>, tensor<2x4xf32>, tensor<f32>, tensor<f32>
  %a8:6 = nanochat.adamw8 %w, %g lr %lr weight_decay %lr states %q, %s, %q, %s, %c
    : tensor<2x4xi8>, tensor<2xf32>, tensor<2x4xi8>, tensor<2xf32>, tensor<f32> {block = 4}
    : tensor<2x4xf32>, tensor<2x4xf32>, tensor<f32>, tensor<f32>
  %m:2 = nanochat.muon %w, %g lr %lr weight_decay %lr states %z : tensor<2x4xf32>
    : tensor<2x4xf32>, tensor<2x4xf32>, tensor<f32>, tensor<f32>
  %m8:3 = nanochat.muon8 %w, %g lr %lr weight_decay %lr states %q, %s : tensor<2x4xi8>, tensor<2xf32> {block = 4}
    : tensor<2x4xf32>, tensor<2x4xf32>, tensor<f32>, tensor<f32>
  %codes = arith.constant dense<[[127, 50, -127, 0], [50, -100, 127, 0]]> : tensor<2x4xi8>
  %scales = arith.constant dense<[0.01, 2.0e-5]> : tensor<2xf32>
  // m/max m = (1, .394, −1, 0): decade 6 has 64 numbers from .1 on.
  %dynamic = arith.constant dense<[[-128, 84, -127, 0], [84, -112, -128, 0]]> : tensor<2x4xi8>
  return %a#0, %a8#0, %m#0, %m8#0, %m8#1, %codes, %m8#2, %scales, %a8#1, %dynamic : tensor<2x4xf32>, tensor<2x4xf32>,
    tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xi8>, tensor<2x4xi8>, tensor<2xf32>, tensor<2xf32>, tensor<2x4xi8>, tensor<2x4xi8>
}

// Published: folded means (2, 0), residuals (−1, 1, −2, 2); m + R = (−.8, 1.2, −2, 2), v + R² = (1.2, 1.2, 4, 4), or of squares
// (1.25, 1.25, 4.2, 4.2), divided by 1 − beta = .1 and .05.
func.func @foam_golden() -> (tensor<1x4xf32>, tensor<1x4xf32>, tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf32>,
    tensor<1x4xf32>, tensor<1x4xf32>, tensor<1x2xf32>, tensor<1x2xf32>) {
  %w = arith.constant dense<0.0> : tensor<1x4xf32>
  %g = arith.constant dense<[[1.0, 3.0, -2.0, 2.0]]> : tensor<1x4xf32>
  %z = arith.constant dense<0.0> : tensor<1x2xf32>
  %c = arith.constant dense<0.0> : tensor<f32>
  %lr = arith.constant dense<-1.0> : tensor<f32> // so that the update is the new parameter
  %n:4 = nanochat.foam %w, %g lr %lr weight_decay %c states %z, %z, %c : tensor<1x2xf32>, tensor<1x2xf32>, tensor<f32>
    {level = 1, alpha = 1.0} : tensor<1x4xf32>, tensor<1x4xf32>, tensor<f32>, tensor<f32>
  %k:4 = nanochat.foam %w, %g lr %lr weight_decay %c states %z, %z, %c : tensor<1x2xf32>, tensor<1x2xf32>, tensor<f32>
    {level = 1, alpha = 1.0, variance = "mean_of_squares"} : tensor<1x4xf32>, tensor<1x4xf32>, tensor<f32>, tensor<f32>
  %e = arith.constant dense<[[-1.6329932, 2.4494897, -2.2360680, 2.2360680]]> : tensor<1x4xf32>
  %m = arith.constant dense<[[0.2, 0.0]]> : tensor<1x2xf32>
  %v = arith.constant dense<[[0.2, 0.0]]> : tensor<1x2xf32>
  %ke = arith.constant dense<[[-1.6, 2.4, -2.1821789, 2.1821789]]> : tensor<1x4xf32>
  %kv = arith.constant dense<[[0.25, 0.2]]> : tensor<1x2xf32>
  return %n#0, %e, %n#1, %m, %n#2, %v, %k#0, %ke, %k#2, %kv : tensor<1x4xf32>, tensor<1x4xf32>, tensor<1x2xf32>, tensor<1x2xf32>,
    tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x4xf32>, tensor<1x4xf32>, tensor<1x2xf32>, tensor<1x2xf32>
}

// P = the first axis: R is the first row; Adam's first step is 1/(1 + tiny), back on that row.
func.func @galore_updates_in_the_space_of_the_basis() -> (tensor<2x3xf32>, tensor<2x3xf32>, tensor<1x3xf32>, tensor<1x3xf32>) {
  %w = arith.constant dense<1.0> : tensor<2x3xf32>
  %r = arith.constant dense<[[2.0, -4.0, 8.0]]> : tensor<1x3xf32>
  %p = arith.constant dense<[[1.0], [0.0]]> : tensor<2x1xf32>
  %z = arith.constant dense<0.0> : tensor<1x3xf32>
  %c = arith.constant dense<0.0> : tensor<f32>
  %lr = arith.constant dense<0.4> : tensor<f32>
  %wd = arith.constant dense<0.5> : tensor<f32>
  %n:5 = nanochat.galore %w, %r lr %lr weight_decay %wd states %p, %z, %z, %c : tensor<2x1xf32>, tensor<1x3xf32>, tensor<1x3xf32>, tensor<f32>
    {rank = 1} : tensor<2x3xf32>, tensor<1x3xf32>, tensor<f32>, tensor<f32>
  %e = arith.constant dense<[[0.7, 0.9, 0.7], [0.8, 0.8, 0.8]]> : tensor<2x3xf32>
  %m = arith.constant dense<[[0.2, -0.4, 0.8]]> : tensor<1x3xf32>
  return %n#0, %e, %n#2, %m : tensor<2x3xf32>, tensor<2x3xf32>, tensor<1x3xf32>, tensor<1x3xf32>
}

// Step 0 of SOAP moves nothing; L = .05·G·Gᵀ, whose eigenvectors are the axes, the larger first. GUM at first picks matrix 1,
// whose draw is .358, with probability .9: M = (G − P·Pᵀ·G)/.9, the smaller axis; test/optimizers/bases.mlir goes on from there.
func.func @rules_with_bases_begin() -> (tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>,
    tensor<2x2xf32>, tensor<2x2xf32>) attributes {nanochat.tolerance = 1.0e-4 : f64} {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %g = arith.constant dense<[[2.0, 0.0], [0.0, 4.0]]> : tensor<2x2xf32>
  %z = arith.constant dense<0.0> : tensor<2x2xf32>
  %p = arith.constant dense<0.0> : tensor<2x1xf32>
  %c = arith.constant dense<0.0> : tensor<f32>
  %s:8 = nanochat.soap %w, %g lr %c weight_decay %c states %z, %z, %z, %z, %z, %z, %c : tensor<2x2xf32>, tensor<2x2xf32>,
    tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<f32> : tensor<2x2xf32>, tensor<2x2xf32>, tensor<f32>, tensor<f32>
  %left = arith.constant dense<[[0.2, 0.0], [0.0, 0.8]]> : tensor<2x2xf32>
  %squares = arith.mulf %s#2, %s#2 : tensor<2x2xf32>
  %axes = arith.constant dense<[[0.0, 1.0], [1.0, 0.0]]> : tensor<2x2xf32>
  %stream = arith.constant dense<[0, 0, 1]> : tensor<3xi32>
  %u:4 = nanochat.gum %w, %g lr %c weight_decay %c stream %stream states %p, %z, %c : tensor<2x1xf32>, tensor<2x2xf32>, tensor<f32> {rank = 1, full = 0.9 : f64}
    : tensor<2x2xf32>, tensor<2x2xf32>, tensor<f32>, tensor<f32>
  %rest = arith.constant dense<[[2.2222222, 0.0], [0.0, 0.0]]> : tensor<2x2xf32>
  return %s#0, %w, %s#1, %left, %squares, %axes, %u#2, %rest : tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>,
    tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>
}

// Step 10 of SOAP turns the basis: columns (0, .8, .6) and (0, −.6, .8) become those of the QR factorisation of L·Q, in which
// the third axis is a tenth of the second: (0, 1, .075)/‖·‖, whatever the sizes of both.
func.func @soap_turns_by_its_preconditioner() -> (tensor<3x3xf64>, tensor<3x3xf64>) attributes {nanochat.tolerance = 1.0e-8 : f64} {
  %w = arith.constant dense<0.0> : tensor<3x4xf64>
  %l = arith.constant dense<[[1.0, 0.0, 0.0], [0.0, 1.0e-4, 0.0], [0.0, 0.0, 1.0e-5]]> : tensor<3x3xf64>
  %q = arith.constant dense<[[1.0, 0.0, 0.0], [0.0, 0.8, -0.6], [0.0, 0.6, 0.8]]> : tensor<3x3xf64>
  %ten = arith.constant dense<10.0> : tensor<f64>
  %s:6 = nanochat.soap %w, %w lr %ten weight_decay %ten states %l, %q, %w, %w, %ten : tensor<3x3xf64>, tensor<3x3xf64>,
    tensor<3x4xf64>, tensor<3x4xf64>, tensor<f64> {largest = 3} : tensor<3x4xf64>, tensor<3x4xf64>, tensor<f64>, tensor<f64>
  %e = arith.constant dense<[[1.0, 0.0, 0.0], [0.0, 0.997199309, -0.074789948], [0.0, 0.074789948, 0.997199309]]> : tensor<3x3xf64>
  return %s#2, %e : tensor<3x3xf64>, tensor<3x3xf64>
}
