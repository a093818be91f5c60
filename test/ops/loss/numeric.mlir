// RUN: nanochat-opt %s --nanochat-check-numeric
// RUN: nanochat-opt %s --nanochat-check-grad

// Golden values by hand: log Σ exp z − z[target].
func.func @loss_is_the_mean_of_token_losses() -> (tensor<f64>, tensor<f64>, tensor<2xf64>, tensor<2xf64>)
    attributes {nanochat.tolerance = 1.0e-12 : f64} {
  %h = arith.constant dense<[[1.0, -2.0], [0.5, 3.0]]> : tensor<2x2xf64>
  %w = arith.constant dense<[[1.0, 0.0], [0.0, 1.0], [2.0, -1.0]]> : tensor<3x2xf64>
  %targets = arith.constant dense<[2, 0]> : tensor<2xi32>
  %loss, %nll = nanochat.linear_cross_entropy %h, %w, %targets : tensor<2x2xf64>, tensor<3x2xf64>, tensor<2xi32>
  %e = arith.constant dense<1.318021504943654> : tensor<f64>
  %en = arith.constant dense<[0.05094576352299818, 2.58509724636431]> : tensor<2xf64>
  return %loss, %e, %nll, %en : tensor<f64>, tensor<f64>, tensor<2xf64>, tensor<2xf64>
}

func.func @weights_scale_token_losses() -> (tensor<f64>, tensor<f64>) attributes {nanochat.tolerance = 1.0e-12 : f64} {
  %h = arith.constant dense<[[1.0, -2.0], [0.5, 3.0]]> : tensor<2x2xf64>
  %w = arith.constant dense<[[1.0, 0.0], [0.0, 1.0], [2.0, -1.0]]> : tensor<3x2xf64>
  %targets = arith.constant dense<[2, 0]> : tensor<2xi32>
  %weights = arith.constant dense<[0.25, 2.0]> : tensor<2xf64>
  %loss, %nll = nanochat.linear_cross_entropy %h, %w, %targets weights %weights : tensor<2x2xf64>, tensor<3x2xf64>, tensor<2xi32>, tensor<2xf64>
  %e = arith.constant dense<2.591465466804685> : tensor<f64>
  return %loss, %e : tensor<f64>, tensor<f64>
}

// In 8 bits: dz per token and per word, w per channel, h per token; chunks are of one token. In floats dh would be ∓0.026013, ∓0.456117.
func.func @gradients_in_bytes() -> (tensor<2x2xf64>, tensor<2x2xf64>, tensor<3x2xf64>, tensor<3x2xf64>)
    attributes {nanochat.tolerance = 1.0e-12 : f64} {
  %h = arith.constant dense<[[1.0, -2.0], [0.5, 3.0]]> : tensor<2x2xf64>
  %w = arith.constant dense<[[1.0, 0.0], [0.0, 1.0], [2.0, -1.0]]> : tensor<3x2xf64>
  %targets = arith.constant dense<[2, 0]> : tensor<2xi32>
  %loss, %nll, %dh, %dw = nanochat.linear_cross_entropy_with_grad %h, %w, %targets backward <dx = int8, dw = int8> : tensor<2x2xf64>, tensor<3x2xf64>, tensor<2xi32>
  %eh = arith.constant dense<[[-0.0258218844886524, 0.02600819623719903], [-0.45866542423882845, 0.45502522245915517]]> : tensor<2x2xf64>
  %ew = arith.constant dense<[[-0.20548935830684145, -1.4342310332773291], [0.22898491315152275, 1.375278817065508], [-0.02349555484468129, 0.05895221621182075]]> : tensor<3x2xf64>
  return %dh, %eh, %dw, %ew : tensor<2x2xf64>, tensor<2x2xf64>, tensor<3x2xf64>, tensor<3x2xf64>
}

// 48 tokens are 16 chunks of 3: logits of 0 give log V everywhere.
func.func @chunks_cover_all_tokens() -> (tensor<48xf32>, tensor<48xf32>) {
  %h = arith.constant dense<0.0> : tensor<48x4xf32>
  %w = arith.constant dense<1.0> : tensor<5x4xf32>
  %targets = arith.constant dense<2> : tensor<48xi32>
  %loss, %nll = nanochat.linear_cross_entropy %h, %w, %targets : tensor<48x4xf32>, tensor<5x4xf32>, tensor<48xi32>
  %e = arith.constant dense<1.6094379> : tensor<48xf32>
  return %nll, %e : tensor<48xf32>, tensor<48xf32>
}

func.func @large_logits_do_not_overflow() -> (tensor<1xf32>, tensor<1xf32>) attributes {nanochat.tolerance = 1.0e-4 : f64} {
  %h = arith.constant dense<1024.0> : tensor<1x1xf32>
  %w = arith.constant dense<[[1.0], [0.9990234375]]> : tensor<2x1xf32>
  %targets = arith.constant dense<1> : tensor<1xi32>
  %loss, %nll = nanochat.linear_cross_entropy %h, %w, %targets : tensor<1x1xf32>, tensor<2x1xf32>, tensor<1xi32>
  // Logits 1024 and 1023: log(1 + e), to the spacing of floats near 1024.
  %e = arith.constant dense<1.3132617> : tensor<1xf32>
  return %nll, %e : tensor<1xf32>, tensor<1xf32>
}

func.func @gradient_of_plain_loss(%h: tensor<32x3xf32>, %w: tensor<5x3xf32>, %targets: tensor<32xi32> {nanochat.bound = 5})
    -> tensor<f32> attributes {nanochat.check_grad} {
  %loss, %nll = nanochat.linear_cross_entropy %h, %w, %targets : tensor<32x3xf32>, tensor<5x3xf32>, tensor<32xi32>
  return %loss : tensor<f32>
}

func.func @gradient_reaches_weights(%h: tensor<4x3xf32>, %w: tensor<5x3xf32>, %targets: tensor<4xi32> {nanochat.bound = 5},
    %weights: tensor<4xf32>) -> tensor<f32> attributes {nanochat.check_grad} {
  %loss, %nll = nanochat.linear_cross_entropy %h, %w, %targets weights %weights : tensor<4x3xf32>, tensor<5x3xf32>, tensor<4xi32>, tensor<4xf32>
  return %loss : tensor<f32>
}

// The derivatives by hand: dz = weights/N · (softmax − one-hot), dh = dz·w, dw = dzᵀ·h.
func.func @one_op_gives_loss_and_gradients() -> (tensor<f64>, tensor<f64>, tensor<2x2xf64>, tensor<2x2xf64>, tensor<3x2xf64>, tensor<3x2xf64>)
    attributes {nanochat.tolerance = 1.0e-12 : f64} {
  %h = arith.constant dense<[[1.0, -2.0], [0.5, 3.0]]> : tensor<2x2xf64>
  %w = arith.constant dense<[[1.0, 0.0], [0.0, 1.0], [2.0, -1.0]]> : tensor<3x2xf64>
  %targets = arith.constant dense<[2, 0]> : tensor<2xi32>
  %weights = arith.constant dense<[0.25, 2.0]> : tensor<2xf64>
  %loss, %nll, %dh, %dw = nanochat.linear_cross_entropy_with_grad %h, %w, %targets weights %weights : tensor<2x2xf64>, tensor<3x2xf64>, tensor<2xi32>, tensor<2xf64>
  %e = arith.constant dense<2.591465466804685> : tensor<f64>
  %eh = arith.constant dense<[[-0.00650317767292717, 0.006503177672927172], [-0.9122346814914033, 0.9122346814914034]]> : tensor<2x2xf64>
  %ew = arith.constant dense<[[-0.4563913566157737, -2.785662294916466], [0.4595059375172013, 2.754679992022411], [-0.0031145809014275693, 0.030982302894055284]]> : tensor<3x2xf64>
  return %loss, %e, %dh, %eh, %dw, %ew : tensor<f64>, tensor<f64>, tensor<2x2xf64>, tensor<2x2xf64>, tensor<3x2xf64>, tensor<3x2xf64>
}

// Two sequences of four: two tokens of each have a target that is two further on; then one whose own are unknown, which none counts.
func.func @targets_two_ahead() -> (tensor<8xi32>, tensor<8xi32>, tensor<8xf64>, tensor<8xf64>, tensor<4xf64>, tensor<4xf64>, tensor<f64>, tensor<f64>)
    attributes {nanochat.tolerance = 1.0e-15 : f64} {
  %t = arith.constant dense<[1, 2, 3, 4, 5, 6, 7, -1]> : tensor<8xi32>
  %two = arith.constant dense<2.0> : tensor<f64>
  %a, %w = nanochat.targets_ahead %t by %two seq = 4 : tensor<8xi32>, tensor<f64>
  %ea = arith.constant dense<[3, 4, -1, -1, 7, -1, -1, -1]> : tensor<8xi32>
  %ew = arith.constant dense<[2.6666666666666665, 2.6666666666666665, 0.0, 0.0, 2.6666666666666665, 0.0, 0.0, 0.0]> : tensor<8xf64>
  %none = arith.constant dense<-1> : tensor<4xi32>
  %b, %v = nanochat.targets_ahead %none by %two seq = 4 : tensor<4xi32>, tensor<f64>
  %ev = arith.constant dense<0.0> : tensor<4xf64>
  %h = arith.constant dense<1.0> : tensor<4x2xf64>
  %e = arith.constant dense<3.0> : tensor<5x2xf64>
  %loss, %nll = nanochat.linear_cross_entropy %h, %e, %b weights %v auxiliary : tensor<4x2xf64>, tensor<5x2xf64>, tensor<4xi32>, tensor<4xf64>
  %zero = arith.constant dense<0.0> : tensor<f64>
  return %a, %ea, %w, %ew, %v, %ev, %loss, %zero : tensor<8xi32>, tensor<8xi32>, tensor<8xf64>, tensor<8xf64>, tensor<4xf64>, tensor<4xf64>, tensor<f64>, tensor<f64>
}
