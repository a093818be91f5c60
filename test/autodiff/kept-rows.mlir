// Which gradients an objective's filter makes of few tokens.
// RUN: nanochat-opt %s --pass-pipeline="builtin.module(nanochat-differentiate,func.func(canonicalize,cse))" | FileCheck %s
// RUN: nanochat-opt %models/looplm.mlir --set seq=16,keep=0.5 --target=native --stop-after=differentiate 2>&1 | FileCheck %s --check-prefix=ALL
// ALL: warning: keeps all 16 tokens of a sequence: their number is a multiple of 16; set `multiple`

// Rows of a table of positions are met by where kept tokens are.
// CHECK: %[[ROWS:.*]] = nanochat.select_rows %{{.*}} seq = 4 keep = 3
// CHECK: %[[AT:.*]] = arith.remui %[[ROWS]], %{{.*}} : tensor<6xi32>
// CHECK: nanochat.embedding_grad %[[AT]], %{{.*}} : tensor<6xi32>, tensor<6x3xf32> -> tensor<5x3xf32>
nanochat.model @positions {
  %tokens, %targets = nanochat.tokens batch = 2 seq = 4
  %E = nanochat.param "embed" normal(0.5) role "head" : tensor<7x3xf32>
  %P = nanochat.param "positions" normal(0.5) role "head" : tensor<5x3xf32>
  %e = nanochat.embedding %tokens, %E : tensor<8xi32>, tensor<7x3xf32>
  %h = nanochat.position_embedding %e, %P seq = 4 : tensor<8x3xf32>, tensor<5x3xf32>
  %loss, %nll = nanochat.linear_cross_entropy %h, %E, %targets : tensor<8x3xf32>, tensor<7x3xf32>, tensor<8xi32>
  nanochat.objective "train" %loss filter(%nll keep = 0.6 multiple = 1) : tensor<f32>, tensor<8xf32>
} update {
  %lr = nanochat.scalar "lr" = 0.1 : tensor<f32>
  nanochat.optimizer "sgd" for ["head"] lr(%lr) weight_decay(%lr) : tensor<f32>, tensor<f32>
}
