// RUN: nanochat-opt %s --nanochat-check-numeric
// RUN: nanochat-opt %s --nanochat-check-grad

// s[1, 1] = q[1]·k[1]/√2 = ln 3 against s[1, 0] = 0: weights 1/4 and 3/4; the first token sees itself only.
func.func @weights_are_a_causal_softmax_of_scaled_products()
    -> (tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x1xf32>, tensor<2x1xf32>)
    attributes {nanochat.tolerance = 1.0e-6 : f64} {
  %q = arith.constant dense<[[3.0, -5.0], [1.0, 0.0]]> : tensor<2x2xf32>
  %k = arith.constant dense<[[0.0, 0.0], [1.5536724, 7.0]]> : tensor<2x2xf32>
  %v = arith.constant dense<[[1.0, 2.0], [5.0, -2.0]]> : tensor<2x2xf32>
  %y, %lse = nanochat.attention %q, %k, %v heads = 1 kv_heads = 1 seq = 2
    : tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>
  %ey = arith.constant dense<[[1.0, 2.0], [4.0, -1.0]]> : tensor<2x2xf32>
  %el = arith.constant dense<[[0.0], [1.38629436]]> : tensor<2x1xf32>
  return %y, %ey, %lse, %el : tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x1xf32>, tensor<2x1xf32>
}

func.func @large_scores_do_not_overflow() -> (tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x1xf32>, tensor<2x1xf32>)
    attributes {nanochat.tolerance = 1.0e-6 : f64} {
  %q = arith.constant dense<[[100.0, 0.0], [100.0, 0.0]]> : tensor<2x2xf32>
  %k = arith.constant dense<[[200.0, 0.0], [200.0, 0.0]]> : tensor<2x2xf32>
  %v = arith.constant dense<[[1.0, 2.0], [5.0, -2.0]]> : tensor<2x2xf32>
  %y, %lse = nanochat.attention %q, %k, %v heads = 1 kv_heads = 1 seq = 2
    : tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>
  %ey = arith.constant dense<[[1.0, 2.0], [3.0, 0.0]]> : tensor<2x2xf32>
  %el = arith.constant dense<[[14142.1356], [14142.8288]]> : tensor<2x1xf32>
  return %y, %ey, %lse, %el : tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x1xf32>, tensor<2x1xf32>
}

func.func @sequences_do_not_see_each_other() -> (tensor<2x2xf64>, tensor<2x2xf64>, tensor<2x2xf64>, tensor<2x2xf64>)
    attributes {nanochat.tolerance = 1.0e-12 : f64} {
  %x = arith.constant dense<[[0.5, -1.0], [1.5, 0.25], [0.5, -1.0], [1.5, 0.25]]> : tensor<4x2xf64>
  %one = arith.constant dense<[[0.5, -1.0], [1.5, 0.25]]> : tensor<2x2xf64>
  %y, %l = nanochat.attention %x, %x, %x heads = 1 kv_heads = 1 seq = 2
    : tensor<4x2xf64>, tensor<4x2xf64>, tensor<4x2xf64>
  %z, %m = nanochat.attention %one, %one, %one heads = 1 kv_heads = 1 seq = 2
    : tensor<2x2xf64>, tensor<2x2xf64>, tensor<2x2xf64>
  %first = tensor.extract_slice %y[0, 0] [2, 2] [1, 1] : tensor<4x2xf64> to tensor<2x2xf64>
  %second = tensor.extract_slice %y[2, 0] [2, 2] [1, 1] : tensor<4x2xf64> to tensor<2x2xf64>
  return %first, %z, %second, %z : tensor<2x2xf64>, tensor<2x2xf64>, tensor<2x2xf64>, tensor<2x2xf64>
}

func.func @query_heads_share_key_heads_in_order() -> (tensor<3x8xf64>, tensor<3x8xf64>, tensor<3x4xf64>, tensor<3x4xf64>)
    attributes {nanochat.tolerance = 1.0e-12 : f64} {
  %q = arith.constant dense<[[0.5, -1.0, 2.0, 0.1, -0.7, 0.3, 1.1, 0.9], [1.5, 0.2, -0.4, 0.8, 0.6, -1.2, 0.0, 0.4],
                             [-0.3, 0.9, 1.3, -0.5, 0.2, 0.7, -1.4, 0.1]]> : tensor<3x8xf64>
  %k = arith.constant dense<[[0.4, 1.2, -0.6, 0.9], [-1.1, 0.3, 0.8, 0.5], [0.7, -0.2, 1.0, -0.9]]> : tensor<3x4xf64>
  %v = arith.constant dense<[[1.4, 0.2, 0.6, -0.9], [-0.1, 1.3, 0.2, 2.5], [0.9, -1.2, 1.7, -0.8]]> : tensor<3x4xf64>
  %kk = arith.constant dense<[[0.4, 1.2, 0.4, 1.2, -0.6, 0.9, -0.6, 0.9], [-1.1, 0.3, -1.1, 0.3, 0.8, 0.5, 0.8, 0.5],
                              [0.7, -0.2, 0.7, -0.2, 1.0, -0.9, 1.0, -0.9]]> : tensor<3x8xf64>
  %vv = arith.constant dense<[[1.4, 0.2, 1.4, 0.2, 0.6, -0.9, 0.6, -0.9], [-0.1, 1.3, -0.1, 1.3, 0.2, 2.5, 0.2, 2.5],
                              [0.9, -1.2, 0.9, -1.2, 1.7, -0.8, 1.7, -0.8]]> : tensor<3x8xf64>
  %y, %l = nanochat.attention %q, %k, %v heads = 4 kv_heads = 2 seq = 3
    : tensor<3x8xf64>, tensor<3x4xf64>, tensor<3x4xf64>
  %z, %m = nanochat.attention %q, %kk, %vv heads = 4 kv_heads = 4 seq = 3
    : tensor<3x8xf64>, tensor<3x8xf64>, tensor<3x8xf64>
  return %y, %z, %l, %m : tensor<3x8xf64>, tensor<3x8xf64>, tensor<3x4xf64>, tensor<3x4xf64>
}

func.func @attention_gradient(%q: tensor<6x8xf64>, %k: tensor<6x4xf64>, %v: tensor<6x4xf64>) -> tensor<6x8xf64>
    attributes {nanochat.check_grad} {
  %y, %lse = nanochat.attention %q, %k, %v heads = 4 kv_heads = 2 seq = 3
    : tensor<6x8xf64>, tensor<6x4xf64>, tensor<6x4xf64>
  return %y : tensor<6x8xf64>
}

// 2^1 is the least power of two not below exp(s): exp(s) / 2 are 0.75 and 0.15, the latter 0.150390625 in bf16; the sum is of 0.9.
func.func @rounded_weights() -> (tensor<2x1xf32>, tensor<2x1xf32>, tensor<2x1xf32>, tensor<2x1xf32>)
    attributes {nanochat.tolerance = 1.0e-6 : f64} {
  %q = arith.constant dense<[[0.0], [1.0]]> : tensor<2x1xf32>
  %k = arith.constant dense<[[0.405465108], [-1.20397280]]> : tensor<2x1xf32>
  %v = arith.constant dense<[[1.0], [100.0]]> : tensor<2x1xf32>
  %y, %lse = nanochat.attention %q, %k, %v heads = 1 kv_heads = 1 seq = 2 rounded
    : tensor<2x1xf32>, tensor<2x1xf32>, tensor<2x1xf32>
  %ey = arith.constant dense<[[1.0], [17.5434028]]> : tensor<2x1xf32>
  %el = arith.constant dense<[[0.0], [0.587786665]]> : tensor<2x1xf32>
  return %y, %ey, %lse, %el : tensor<2x1xf32>, tensor<2x1xf32>, tensor<2x1xf32>, tensor<2x1xf32>
}

// p = 5/6 and 1/6, δ = 7/6, ds = ∓5/36; in bf16 0.83203125, 0.1669921875 and ∓0.138671875.
func.func @rounded_gradient() -> (tensor<2x1xf32>, tensor<2x1xf32>, tensor<2x1xf32>, tensor<2x1xf32>, tensor<2x1xf32>, tensor<2x1xf32>)
    attributes {nanochat.tolerance = 1.0e-6 : f64} {
  %q = arith.constant dense<[[0.0], [1.0]]> : tensor<2x1xf32>
  %k = arith.constant dense<[[0.405465108], [-1.20397280]]> : tensor<2x1xf32>
  %v = arith.constant dense<[[1.0], [2.0]]> : tensor<2x1xf32>
  %delta = arith.constant dense<[[0.0], [1.16666667]]> : tensor<2x1xf32>
  %lse = arith.constant dense<[[0.0], [0.587786665]]> : tensor<2x1xf32>
  %dy = arith.constant dense<[[0.0], [1.0]]> : tensor<2x1xf32>
  %dq, %dk, %dv = nanochat.attention_grad %q, %k, %v, %lse, %dy delta = %delta : tensor<2x1xf32> heads = 1 kv_heads = 1 seq = 2 rounded
    : tensor<2x1xf32>, tensor<2x1xf32>, tensor<2x1xf32>, tensor<2x1xf32>, tensor<2x1xf32>
  %eq = arith.constant dense<[[0.0], [-0.22318377]]> : tensor<2x1xf32>
  %ek = arith.constant dense<[[-0.138671875], [0.138671875]]> : tensor<2x1xf32>
  %ev = arith.constant dense<[[0.83203125], [0.1669921875]]> : tensor<2x1xf32>
  return %dq, %eq, %dk, %ek, %dv, %ev : tensor<2x1xf32>, tensor<2x1xf32>, tensor<2x1xf32>, tensor<2x1xf32>, tensor<2x1xf32>, tensor<2x1xf32>
}
