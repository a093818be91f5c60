// RUN: nanochat-opt %s --nanochat-check-numeric
// By hand from the equations of arXiv:2510.25741 for λ = (.2, .5, .3, .9), ℓ = (3, 2.5, 2.2, 2.1), β = .05.

// Gates z = ln(λ/(1−λ)) of 4 steps; per step the exit probabilities, then H, then Σ_t mean(p_t·ℓ_t).
func.func private @exits(%z: tensor<4x1xf64>) -> (tensor<4x1xf64>, tensor<f64>, tensor<f64>) {
  %nll = arith.constant dense<[[3.0], [2.5], [2.2], [2.1]]> : tensor<4x1xf64>
  %zero = arith.constant dense<0.0> : tensor<f64>
  %zeros = arith.constant dense<0.0> : tensor<1xf64>
  %last = nanochat.last_step "n_loops" = 4 : tensor<4xf64>
  %r:4 = nanochat.loop "n_loops" = 4
      carry(%log_s = %zeros : tensor<1xf64>, %entropy = %zero : tensor<f64>, %loss = %zeros : tensor<1xf64>)
      slice(%zt = %z : tensor<4x1xf64>, %l = %nll : tensor<4x1xf64>, %is_last = %last : tensor<4xf64>) {
    %p, %log_p, %next = nanochat.exit_step %zt, %log_s, %is_last : tensor<1xf64>
    %h = nanochat.entropy %p, %log_p : tensor<1xf64>
    %pl = arith.mulf %p, %l : tensor<1xf64>
    %entropies = arith.addf %entropy, %h : tensor<f64>
    %losses = arith.addf %loss, %pl : tensor<1xf64>
    nanochat.yield %next, %entropies, %losses : tensor<1xf64>, tensor<f64>, tensor<1xf64> stack %p : tensor<1xf64>
  }
  %scalar = tensor.collapse_shape %r#2 [] : tensor<1xf64> into tensor<f64>
  return %r#3, %r#1, %scalar : tensor<4x1xf64>, tensor<f64>, tensor<f64>
}

func.func private @expected_exit_loss(%z: tensor<4x1xf64>) -> tensor<f64> {
  %beta = arith.constant dense<0.05> : tensor<f64>
  %p, %h, %l = func.call @exits(%z) : (tensor<4x1xf64>) -> (tensor<4x1xf64>, tensor<f64>, tensor<f64>)
  %reward = arith.mulf %beta, %h : tensor<f64>
  %loss = arith.subf %l, %reward : tensor<f64>
  return %loss : tensor<f64>
}

func.func @probabilities_entropy_and_loss_of_the_golden_gates()
    -> (tensor<4x1xf64>, tensor<4x1xf64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>)
    attributes {nanochat.tolerance = 1.0e-9 : f64} {
  %z = arith.constant dense<[[-1.3862943611198906], [0.0], [-0.8472978603872036], [2.1972245773362196]]> : tensor<4x1xf64>
  %p, %h, %l = func.call @exits(%z) : (tensor<4x1xf64>) -> (tensor<4x1xf64>, tensor<f64>, tensor<f64>)
  %loss = func.call @expected_exit_loss(%z) : (tensor<4x1xf64>) -> tensor<f64>
  %p_expected = arith.constant dense<[[0.2], [0.4], [0.12], [0.28]]> : tensor<4x1xf64>
  %h_expected = arith.constant dense<1.299265889> : tensor<f64>
  %loss_expected = arith.constant dense<2.387036706> : tensor<f64>
  return %p, %p_expected, %h, %h_expected, %loss, %loss_expected
    : tensor<4x1xf64>, tensor<4x1xf64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>
}

// Wherever a token may leave, it has left after the last step.
func.func @chances_to_have_left_rise_to_1() -> (tensor<4x1xf64>, tensor<4x1xf64>)
    attributes {nanochat.tolerance = 1.0e-12 : f64} {
  %z = arith.constant dense<[[-1.3862943611198906], [0.0], [-0.8472978603872036], [2.1972245773362196]]> : tensor<4x1xf64>
  %p, %h, %l = func.call @exits(%z) : (tensor<4x1xf64>) -> (tensor<4x1xf64>, tensor<f64>, tensor<f64>)
  %none = arith.constant dense<0.0> : tensor<1xf64>
  %sum, %left = nanochat.loop "n_loops" = 4 carry(%before = %none : tensor<1xf64>) slice(%pt = %p : tensor<4x1xf64>) {
    %after = arith.addf %before, %pt : tensor<1xf64>
    nanochat.yield %after : tensor<1xf64> stack %after : tensor<1xf64>
  }
  %expected = arith.constant dense<[[0.2], [0.6], [0.72], [1.0]]> : tensor<4x1xf64>
  return %left, %expected : tensor<4x1xf64>, tensor<4x1xf64>
}

// Six steps of eight tokens, gates from −30 to 30.
func.func @any_gates_share_out_exactly_1() -> (tensor<8xf64>, tensor<8xf64>) attributes {nanochat.tolerance = 1.0e-14 : f64} {
  %z = arith.constant dense<[[-30.0, 1.0, 0.1, -4.0, 30.0, 2.0, -0.5, 0.0], [30.0, -7.0, 0.2, 4.0, -30.0, 2.0, -0.5, 0.0],
                             [0.3, 12.0, 0.3, -4.0, 30.0, 2.0, -0.5, 0.0], [-2.0, -1.0, 0.4, 4.0, -30.0, 2.0, -0.5, 0.0],
                             [5.0, 0.7, 0.5, -4.0, 30.0, 2.0, -0.5, 0.0], [-9.0, 9.0, 0.6, 4.0, -30.0, 2.0, -0.5, 0.0]]> : tensor<6x8xf64>
  %none = arith.constant dense<0.0> : tensor<8xf64>
  %last = nanochat.last_step "n_loops" = 6 : tensor<6xf64>
  %s, %sum = nanochat.loop "n_loops" = 6 carry(%log_s = %none : tensor<8xf64>, %sum = %none : tensor<8xf64>)
      slice(%zt = %z : tensor<6x8xf64>, %is_last = %last : tensor<6xf64>) {
    %p, %log_p, %next = nanochat.exit_step %zt, %log_s, %is_last : tensor<8xf64>
    %more = arith.addf %sum, %p : tensor<8xf64>
    nanochat.yield %next, %more : tensor<8xf64>, tensor<8xf64>
  }
  %expected = arith.constant dense<1.0> : tensor<8xf64>
  return %sum, %expected : tensor<8xf64>, tensor<8xf64>
}

func.func @gates_of_1_over_the_steps_left_exit_uniformly_whatever_the_last()
    -> (tensor<4x1xf64>, tensor<4x1xf64>, tensor<f64>, tensor<f64>) attributes {nanochat.tolerance = 1.0e-12 : f64} {
  %z = arith.constant dense<[[-1.0986122886681098], [-0.6931471805599454], [0.0], [-7.0]]> : tensor<4x1xf64>
  %p, %h, %l = func.call @exits(%z) : (tensor<4x1xf64>) -> (tensor<4x1xf64>, tensor<f64>, tensor<f64>)
  %p_expected = arith.constant dense<0.25> : tensor<4x1xf64>
  %h_expected = arith.constant dense<1.3862943611198906> : tensor<f64>
  return %p, %p_expected, %h, %h_expected : tensor<4x1xf64>, tensor<4x1xf64>, tensor<f64>, tensor<f64>
}

// L + β·ln T = Σ p·ℓ + β·KL(p‖U), with KL of the golden p by hand.
func.func @loss_is_the_evidence_bound_with_a_uniform_prior() -> (tensor<2xf64>, tensor<2xf64>)
    attributes {nanochat.tolerance = 1.0e-9 : f64} {
  %z = arith.constant dense<[[-1.3862943611198906], [0.0], [-0.8472978603872036], [2.1972245773362196]]> : tensor<4x1xf64>
  %p, %h, %l = func.call @exits(%z) : (tensor<4x1xf64>) -> (tensor<4x1xf64>, tensor<f64>, tensor<f64>)
  %loss = func.call @expected_exit_loss(%z) : (tensor<4x1xf64>) -> tensor<f64>
  %shift = arith.constant dense<0.06931471805599453> : tensor<f64>
  %bound = arith.addf %loss, %shift : tensor<f64>
  %divergence = arith.constant dense<0.0043514236155894> : tensor<f64>
  %elbo = arith.addf %l, %divergence : tensor<f64>
  %b = tensor.extract %bound[] : tensor<f64>
  %e = tensor.extract %elbo[] : tensor<f64>
  %golden = arith.constant 2.456351424 : f64
  %found = tensor.from_elements %b, %b : tensor<2xf64>
  %expected = tensor.from_elements %e, %golden : tensor<2xf64>
  return %found, %expected : tensor<2xf64>, tensor<2xf64>
}

// ∂L/∂λ by central differences in z, divided by ∂λ/∂z = λ(1−λ).
func.func @slope_of_the_loss_in_the_golden_gates_is_0_for_the_last() -> (tensor<4xf64>, tensor<4xf64>)
    attributes {nanochat.tolerance = 1.0e-8 : f64} {
  %z = arith.constant dense<[[-1.3862943611198906], [0.0], [-0.8472978603872036], [2.1972245773362196]]> : tensor<4x1xf64>
  %steps = arith.constant dense<[[[1.0e-4], [0.0], [0.0], [0.0]], [[0.0], [1.0e-4], [0.0], [0.0]],
                                 [[0.0], [0.0], [1.0e-4], [0.0]], [[0.0], [0.0], [0.0], [1.0e-4]]]> : tensor<4x4x1xf64>
  %d = nanochat.loop "directions" = 4 slice(%step = %steps : tensor<4x4x1xf64>) {
    %up = arith.addf %z, %step : tensor<4x1xf64>
    %down = arith.subf %z, %step : tensor<4x1xf64>
    %above = func.call @expected_exit_loss(%up) : (tensor<4x1xf64>) -> tensor<f64>
    %below = func.call @expected_exit_loss(%down) : (tensor<4x1xf64>) -> tensor<f64>
    %difference = arith.subf %above, %below : tensor<f64>
    nanochat.yield stack %difference : tensor<f64>
  }
  %span = arith.constant dense<[0.32e-4, 0.50e-4, 0.42e-4, 0.18e-4]> : tensor<4xf64> // 2e-4·λ(1−λ)
  %slope = arith.divf %d, %span : tensor<4xf64>
  %expected = arith.constant dense<[0.665614249, 0.320434572, 0.023054043, 0.0]> : tensor<4xf64>
  return %slope, %expected : tensor<4xf64>, tensor<4xf64>
}

func.func @saturated_gates_exit_surely_and_stay_finite() -> (tensor<3xf32>, tensor<3xf32>, tensor<f32>, tensor<f32>) {
  %z = arith.constant dense<[1.0e+4, -1.0e+4, 0.0]> : tensor<3xf32>
  %zeros = arith.constant dense<0.0> : tensor<3xf32>
  %on = arith.constant dense<0.0> : tensor<f32>
  %p, %log_p, %next = nanochat.exit_step %z, %zeros, %on : tensor<3xf32>
  %p2, %log_p2, %next2 = nanochat.exit_step %z, %next, %on : tensor<3xf32>
  %sum = arith.addf %p, %p2 : tensor<3xf32>
  %expected = arith.constant dense<[1.0, 0.0, 0.75]> : tensor<3xf32>
  %h = nanochat.entropy %p, %log_p : tensor<3xf32>
  %h_expected = arith.constant dense<0.11552453> : tensor<f32> // ln 2 / 2 of one token in three
  return %sum, %expected, %h, %h_expected : tensor<3xf32>, tensor<3xf32>, tensor<f32>, tensor<f32>
}

func.func @entropy_counts_impossible_exits_as_0() -> (tensor<f64>, tensor<f64>) {
  %p = arith.constant dense<[0.0, 1.0]> : tensor<2xf64>
  %log_p = arith.constant dense<[0xFFF0000000000000, 0.0]> : tensor<2xf64>
  %h = nanochat.entropy %p, %log_p : tensor<2xf64>
  %zero = arith.constant dense<0.0> : tensor<f64>
  return %h, %zero : tensor<f64>, tensor<f64>
}

func.func @gate_is_a_dot_product_per_token() -> (tensor<2xf32>, tensor<2xf32>) {
  %h = arith.constant dense<[[1.0, 2.0, 3.0], [-1.0, 0.5, 4.0]]> : tensor<2x3xf32>
  %w = arith.constant dense<[2.0, -1.0, 0.5]> : tensor<3xf32>
  %b = arith.constant dense<[0.25]> : tensor<1xf32>
  %z = nanochat.gate %h, %w, %b : tensor<2x3xf32>, tensor<3xf32>, tensor<1xf32>
  %expected = arith.constant dense<[1.75, -0.25]> : tensor<2xf32>
  return %z, %expected : tensor<2xf32>, tensor<2xf32>
}
