// RUN: nanochat-opt %s --nanochat-check-numeric
// Stage II of arXiv:2510.25741: the gate learns from the improvement of each step.

// As softplus(1) − softplus(−1) = 1, the losses at z = 1 and −1 differ by 2w − 1.
func.func @targets_at_improvements_of_0_and_5_and_50_and_100_thousandths() -> (tensor<4xf64>, tensor<4xf64>)
    attributes {nanochat.tolerance = 1.0e-6 : f64} {
  %nll_prev = arith.constant dense<[[2.0], [2.005], [2.05], [2.1]]> : tensor<4x1xf64>
  %nll = arith.constant dense<2.0> : tensor<1xf64>
  %one = arith.constant dense<1.0> : tensor<1xf64>
  %minus = arith.constant dense<-1.0> : tensor<1xf64>
  %active = arith.constant dense<1.0> : tensor<f64>
  %half = arith.constant dense<0.5> : tensor<f64>
  %w = nanochat.loop "cases" = 4 slice(%prev = %nll_prev : tensor<4x1xf64>) {
    %up = nanochat.gate_loss %one, %prev, %nll, %active : tensor<1xf64>
    %down = nanochat.gate_loss %minus, %prev, %nll, %active : tensor<1xf64>
    %difference = arith.subf %up, %down : tensor<f64>
    %halved = arith.mulf %difference, %half : tensor<f64>
    %target = arith.addf %halved, %half : tensor<f64>
    nanochat.yield stack %target : tensor<f64>
  }
  %expected = arith.constant dense<[0.437823, 0.5, 0.904651, 0.991423]> : tensor<4xf64>
  return %w, %expected : tensor<4xf64>, tensor<4xf64>
}

func.func @cross_entropy_is_the_mean_over_tokens_and_worse_is_no_improvement() -> (tensor<f64>, tensor<f64>)
    attributes {nanochat.tolerance = 1.0e-12 : f64} {
  %z = arith.constant dense<[0.5, -1.0, 2.0, -0.3]> : tensor<4xf64>
  %nll_prev = arith.constant dense<[1.0, 2.005, 2.05, 2.1]> : tensor<4xf64>
  %nll = arith.constant dense<2.0> : tensor<4xf64>
  %active = arith.constant dense<1.0> : tensor<f64>
  %loss = nanochat.gate_loss %z, %nll_prev, %nll, %active : tensor<4xf64>
  // Mean of 0.6929887337372077, 0.8132616875182228, 1.9362290812447527, 0.5569284900926409.
  %expected = arith.constant dense<0.999851998148206> : tensor<f64>
  return %loss, %expected : tensor<f64>, tensor<f64>
}

// Gates (.2, .5, .3, .9) and losses (3, 2.5, 2.2, 2.1): step t ≥ 2 pairs z_t with ℓ_{t−1} − ℓ_t.
func.func @adaptive_loss_over_the_steps_of_a_loop() -> (tensor<f64>, tensor<f64>)
    attributes {nanochat.tolerance = 1.0e-9 : f64} {
  %z = arith.constant dense<[[-1.3862943611198906], [0.0], [-0.8472978603872036], [2.1972245773362196]]> : tensor<4x1xf64>
  %nll = arith.constant dense<[[3.0], [2.5], [2.2], [2.1]]> : tensor<4x1xf64>
  %zero = arith.constant dense<0.0> : tensor<f64>
  %one = arith.constant dense<1.0> : tensor<f64>
  %none = arith.constant dense<0.0> : tensor<1xf64>
  %r:3 = nanochat.loop "n_loops" = 4
      carry(%sum = %zero : tensor<f64>, %prev = %none : tensor<1xf64>, %active = %zero : tensor<f64>)
      slice(%zt = %z : tensor<4x1xf64>, %l = %nll : tensor<4x1xf64>) {
    %loss = nanochat.gate_loss %zt, %prev, %l, %active : tensor<1xf64>
    %next = arith.addf %sum, %loss : tensor<f64>
    nanochat.yield %next, %l, %one : tensor<f64>, tensor<1xf64>, tensor<f64>
  }
  %share = arith.constant dense<0.25> : tensor<f64>
  %mean = arith.mulf %r#0, %share : tensor<f64>
  %expected = arith.constant dense<0.83339022213422> : tensor<f64>
  return %mean, %expected : tensor<f64>, tensor<f64>
}
