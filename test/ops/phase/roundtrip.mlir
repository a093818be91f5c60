// RUN: nanochat-opt %s | nanochat-opt | FileCheck %s

// CHECK-LABEL: nanochat.model @phases
nanochat.model @phases {
  %tokens, %targets = nanochat.tokens batch = 2 seq = 8
  %table = nanochat.param "embed" normal(0.02) role "head" : tensor<17x12xf32>
  %x = nanochat.embedding %tokens, %table : tensor<16xi32>, tensor<17x12xf32>
  %ones = nanochat.token_constant 1.0 like %x : tensor<16x12xf32>
  %loss, %nll = nanochat.linear_cross_entropy %x, %table, %targets weights %ones : tensor<16x12xf32>, tensor<17x12xf32>, tensor<16xi32>, tensor<16xf32>
  nanochat.objective "train" %loss : tensor<f32>
} update {
  // CHECK: nanochat.phase "again" rule "fire" for ["matrix", "head"] {config = {steps = 5 : i64}}
  nanochat.phase "again" rule "fire" for ["matrix", "head"] {config = {steps = 5}}
}

// CHECK-LABEL: @fire
func.func @fire(%w: tensor<3x4x8xf32>) -> tensor<3x4x8xf32> {
  // CHECK: nanochat.fire %{{.*}} {steps = 5 : i64} : tensor<3x4x8xf32>
  %x = nanochat.fire %w {steps = 5} : tensor<3x4x8xf32>
  return %x : tensor<3x4x8xf32>
}
