// RUN: nanochat-opt %s --nanochat-check-grad

func.func @gate(%h: tensor<5x3xf64>, %w: tensor<3xf64>, %b: tensor<1xf64>) -> tensor<5xf64>
    attributes {nanochat.check_grad} {
  %z = nanochat.gate %h, %w, %b : tensor<5x3xf64>, tensor<3xf64>, tensor<1xf64>
  return %z : tensor<5xf64>
}

func.func @exit_step_before_the_last(%z: tensor<5xf64>, %log_s: tensor<5xf64>)
    -> (tensor<5xf64>, tensor<5xf64>, tensor<5xf64>) attributes {nanochat.check_grad} {
  %last = arith.constant dense<0.0> : tensor<f64>
  %p, %log_p, %next = nanochat.exit_step %z, %log_s, %last : tensor<5xf64>
  return %p, %log_p, %next : tensor<5xf64>, tensor<5xf64>, tensor<5xf64>
}

func.func @exit_step_at_the_last(%z: tensor<5xf64>, %log_s: tensor<5xf64>) -> (tensor<5xf64>, tensor<5xf64>)
    attributes {nanochat.check_grad} {
  %last = arith.constant dense<1.0> : tensor<f64>
  %p, %log_p, %next = nanochat.exit_step %z, %log_s, %last : tensor<5xf64>
  return %p, %log_p : tensor<5xf64>, tensor<5xf64>
}

func.func @saturated_exit_step(%x: tensor<4xf64>, %log_s: tensor<4xf64>) -> (tensor<4xf64>, tensor<4xf64>, tensor<f64>)
    attributes {nanochat.check_grad} {
  %far = arith.constant dense<[1.0e+4, -1.0e+4, 1.0e+3, -1.0e+3]> : tensor<4xf64>
  %z = arith.addf %x, %far : tensor<4xf64>
  %last = arith.constant dense<0.0> : tensor<f64>
  %p, %log_p, %next = nanochat.exit_step %z, %log_s, %last : tensor<4xf64>
  %h = nanochat.entropy %p, %log_p : tensor<4xf64>
  return %p, %next, %h : tensor<4xf64>, tensor<4xf64>, tensor<f64>
}

func.func @entropy_over_steps(%z: tensor<3x5xf64>, %nll: tensor<3x5xf64>) -> (tensor<f64>, tensor<5xf64>)
    attributes {nanochat.check_grad} {
  %zero = arith.constant dense<0.0> : tensor<f64>
  %zeros = arith.constant dense<0.0> : tensor<5xf64>
  %last = nanochat.last_step "n_loops" = 3 : tensor<3xf64>
  %r:3 = nanochat.loop "n_loops" = 3
      carry(%log_s = %zeros : tensor<5xf64>, %entropy = %zero : tensor<f64>, %loss = %zeros : tensor<5xf64>)
      slice(%zt = %z : tensor<3x5xf64>, %l = %nll : tensor<3x5xf64>, %is_last = %last : tensor<3xf64>) {
    %p, %log_p, %next = nanochat.exit_step %zt, %log_s, %is_last : tensor<5xf64>
    %h = nanochat.entropy %p, %log_p : tensor<5xf64>
    %pl = arith.mulf %p, %l : tensor<5xf64>
    %entropies = arith.addf %entropy, %h : tensor<f64>
    %losses = arith.addf %loss, %pl : tensor<5xf64>
    nanochat.yield %next, %entropies, %losses : tensor<5xf64>, tensor<f64>, tensor<5xf64>
  }
  return %r#1, %r#2 : tensor<f64>, tensor<5xf64>
}

func.func @gate_loss(%z: tensor<5xf64>) -> tensor<f64> attributes {nanochat.check_grad} {
  %nll_prev = arith.constant dense<[2.0, 2.005, 2.05, 2.1, 1.0]> : tensor<5xf64>
  %nll = arith.constant dense<2.0> : tensor<5xf64>
  %active = arith.constant dense<1.0> : tensor<f64>
  %loss = nanochat.gate_loss %z, %nll_prev, %nll, %active : tensor<5xf64>
  return %loss : tensor<f64>
}
