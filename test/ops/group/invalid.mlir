// RUN: nanochat-opt %s -split-input-file -verify-diagnostics
func.func @dimension(%x: tensor<4x6xf32>, %rank: tensor<i32>) { // part-c1
  // expected-error @+1 {{cuts dimension 2 of 'tensor<4x6xf32>'}}
  %y = "nanochat.part"(%x, %rank) {dim = 2 : i64, among = 2 : i64} : (tensor<4x6xf32>, tensor<i32>) -> tensor<4x6xf32>
  return
}

// -----

func.func @equal(%x: tensor<4x5xf32>, %rank: tensor<i32>) { // part-c2
  // expected-error @+1 {{cuts dimension 1 of 'tensor<4x5xf32>' into 2 parts, which are not equal; only those of dimension 0 need not be}}
  %y = nanochat.part %x at %rank dim 1 among 2 : tensor<4x5xf32>
  return
}

// -----

func.func @others(%x: tensor<2x6xf32>) { // join_parts-c1
  // expected-error @+1 {{makes 'tensor<5x6xf32>' of 2 parts 'tensor<2x6xf32>' along dimension 0}}
  %y = nanochat.join_parts %x dim 0 among 2 : tensor<2x6xf32> -> tensor<5x6xf32>
  return
}

// -----

func.func @unequal(%x: tensor<4x3xf32>) { // join_parts-c2
  // expected-error @+1 {{joins parts of dimension 1 of 'tensor<4x5xf32>', which are not equal}}
  %y = nanochat.join_parts %x dim 1 among 2 : tensor<4x3xf32> -> tensor<4x5xf32>
  return
}

// -----

func.func @scales(%w: tensor<6x8xf32>, %whole: tensor<12x8xf32>) { // ternarize-c2
  // expected-error @+1 {{has a scale of 'tensor<12x8xf32>' as a whole, and others of groups of inputs}}
  %t, %gamma = nanochat.ternarize %w of %whole : tensor<12x8xf32> group 4 : tensor<6x8xf32>
  return
}

// -----

func.func @groups(%q: tensor<4x8xi8>, %s: tensor<4xf32>, %t: tensor<6x8xi8>, %gamma: tensor<6x2xf32>) { // ternary_matmul-c6
  // expected-error @+1 {{has weights scaled in groups, and ranks with parts of them}}
  %y = nanochat.ternary_matmul %q, %s, %t, %gamma among 2 : tensor<4x8xi8>, tensor<4xf32>, tensor<6x8xi8>, tensor<6x2xf32>
  return
}

// -----

func.func @narrow(%x: tensor<64x32xf32>, %w: tensor<32x32xf32>) { // linear-c6
  // expected-error @+1 {{has factors in mxfp4, and ranks with parts of them}}
  %y = nanochat.linear %x, %w forward mxfp4 among 2 : tensor<64x32xf32>, tensor<32x32xf32>
  return
}

// -----

func.func @words(%h: tensor<4x6xf32>, %w: tensor<3x6xf32>, %targets: tensor<4xi32>, %rank: tensor<i32>) { // linear_cross_entropy-c5
  // expected-error @+1 {{has 3 words, of 7 that 2 ranks have}}
  %loss, %nll = nanochat.linear_cross_entropy %h, %w, %targets part %rank among 2 of 7 : tensor<4x6xf32>, tensor<3x6xf32>, tensor<4xi32>
  return
}

// -----

func.func @rank(%h: tensor<4x6xf32>, %w: tensor<3x6xf32>, %targets: tensor<4xi32>) { // linear_cross_entropy_with_grad-c6
  // expected-error @+1 {{has 3 words, of 5 that 2 ranks have}}
  %l, %n, %dh, %dw = nanochat.linear_cross_entropy_with_grad %h, %w, %targets {among = 2 : i64, words = 5 : i64} : tensor<4x6xf32>, tensor<3x6xf32>, tensor<4xi32>
  return
}
