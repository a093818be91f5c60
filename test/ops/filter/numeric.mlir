// RUN: nanochat-opt %s --nanochat-check-numeric

// Ties go to the earlier token; a sequence chooses among its own.
func.func @select() -> (tensor<4xi32>, tensor<4xi32>, tensor<3xi32>, tensor<3xi32>, tensor<4xi32>, tensor<4xi32>) {
  %s = arith.constant dense<[1.0, 3.0, 2.0, 3.0, 0.0, 2.0]> : tensor<6xf32>
  %four = nanochat.select_rows %s seq = 6 keep = 4 : tensor<6xf32>
  %e4 = arith.constant dense<[1, 2, 3, 5]> : tensor<4xi32>
  %three = nanochat.select_rows %s seq = 6 keep = 3 : tensor<6xf32>
  %e3 = arith.constant dense<[1, 2, 3]> : tensor<3xi32>
  %each = nanochat.select_rows %s seq = 3 keep = 2 : tensor<6xf32>
  %ee = arith.constant dense<[1, 2, 3, 5]> : tensor<4xi32>
  return %four, %e4, %three, %e3, %each, %ee : tensor<4xi32>, tensor<4xi32>, tensor<3xi32>, tensor<3xi32>, tensor<4xi32>, tensor<4xi32>
}

// Numbers that are none, and infinite ones, are still put in an order: all rows of a sequence are its own and differ.
func.func @select_all() -> (tensor<2xi32>, tensor<2xi32>, tensor<5xi32>, tensor<5xi32>) {
  %s = arith.constant dense<[0.0, 0x7FC00000, 0x7F800000, 0xFF800000, 0x7FC00000]> : tensor<5xf32>
  %two = nanochat.select_rows %s seq = 5 keep = 2 : tensor<5xf32>
  %e2 = arith.constant dense<[1, 2]> : tensor<2xi32>
  %all = nanochat.select_rows %s seq = 5 keep = 5 : tensor<5xf32>
  %e = arith.constant dense<[0, 1, 2, 3, 4]> : tensor<5xi32>
  return %two, %e2, %all, %e : tensor<2xi32>, tensor<2xi32>, tensor<5xi32>, tensor<5xi32>
}

func.func @gather() -> (tensor<3x2xf64>, tensor<3x2xf64>, tensor<3x2xi8>, tensor<3x2xi8>, tensor<3xi32>, tensor<3xi32>) {
  %rows = arith.constant dense<[2, -1, 0]> : tensor<3xi32>
  %x = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf64>
  %y = nanochat.gather_rows %x, %rows : tensor<3x2xf64>, tensor<3xi32>
  %e = arith.constant dense<[[5.0, 6.0], [0.0, 0.0], [1.0, 2.0]]> : tensor<3x2xf64>
  %q = arith.constant dense<[[1, 2], [3, 4], [5, 6]]> : tensor<3x2xi8>
  %b = nanochat.gather_rows %q, %rows : tensor<3x2xi8>, tensor<3xi32>
  %eb = arith.constant dense<[[5, 6], [0, 0], [1, 2]]> : tensor<3x2xi8>
  %t = arith.constant dense<[7, 8, 9]> : tensor<3xi32>
  %v = nanochat.gather_rows %t, %rows : tensor<3xi32>, tensor<3xi32>
  %ev = arith.constant dense<[9, 0, 7]> : tensor<3xi32>
  return %y, %e, %b, %eb, %v, %ev : tensor<3x2xf64>, tensor<3x2xf64>, tensor<3x2xi8>, tensor<3x2xi8>, tensor<3xi32>, tensor<3xi32>
}

// Two tokens, of which the second is kept: p = (σ(−1), σ(1)) for keys 0 and 1 under query 1, values 2 and 3, so y = 2 + σ(1),
// and with dy = 1: ds = p·(v − y) = (−σ(1)σ(−1), σ(1)σ(−1)). dq = ds[0]·0 + ds[1]·1 = σ(1)σ(−1) though the key of token 0 has no
// gradient: with a key of 10 there, dq would be −9·σ(1)σ(−1) (the second head's, whose query is shifted so that p stays).
func.func @attention() -> (tensor<1x2xf64>, tensor<1x2xf64>, tensor<1x2xf64>, tensor<1x2xf64>, tensor<1x2xf64>, tensor<1x2xf64>) attributes {nanochat.tolerance = 1.0e-12 : f64} {
  %q = arith.constant dense<[[1.0, -0.1111111111111111]]> : tensor<1x2xf64>
  %k = arith.constant dense<[[0.0, 10.0], [1.0, 1.0]]> : tensor<2x2xf64>
  %v = arith.constant dense<[[2.0, 2.0], [3.0, 3.0]]> : tensor<2x2xf64>
  %y = arith.constant dense<2.7310585786300048792> : tensor<1x2xf64>
  // ln(1 + e), and ln(e^(-10/9) + e^(-1/9)).
  %lse = arith.constant dense<[[1.3132616875182228340, 0.2021505764071117229]]> : tensor<1x2xf64>
  %dy = arith.constant dense<1.0> : tensor<1x2xf64>
  %rows = arith.constant dense<1> : tensor<1xi32>
  %dq, %dk, %dv = nanochat.kept_attention_grad %q, %k, %v, %y, %lse, %dy rows %rows heads = 2 kv_heads = 2 seq = 2
      : tensor<1x2xf64>, tensor<2x2xf64>, tensor<2x2xf64>, tensor<1x2xf64>, tensor<1x2xf64>, tensor<1x2xf64>, tensor<1xi32>
  %eq = arith.constant dense<[[0.19661193324148186, -1.7695073991733367]]> : tensor<1x2xf64>
  %ek = arith.constant dense<[[0.19661193324148186, -0.02184577036016465]]> : tensor<1x2xf64>
  %ev = arith.constant dense<0.7310585786300048792> : tensor<1x2xf64>
  return %dq, %eq, %dk, %ek, %dv, %ev : tensor<1x2xf64>, tensor<1x2xf64>, tensor<1x2xf64>, tensor<1x2xf64>, tensor<1x2xf64>, tensor<1x2xf64>
}
