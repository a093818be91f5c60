// RUN: nanochat-opt %s | nanochat-opt | FileCheck %s

// CHECK-LABEL: func.func @filter
func.func @filter(%s: tensor<12xf32>, %q: tensor<6x4xf32>, %k: tensor<12x2xf32>, %lse: tensor<6x2xf32>) -> tensor<6x4xf32> {
  // CHECK: %[[ROWS:.*]] = nanochat.select_rows %{{.*}} seq = 6 keep = 3 : tensor<12xf32>
  %rows = nanochat.select_rows %s seq = 6 keep = 3 : tensor<12xf32>
  // CHECK: nanochat.gather_rows %{{.*}}, %[[ROWS]] : tensor<12x2xf32>, tensor<6xi32>
  %g = nanochat.gather_rows %k, %rows : tensor<12x2xf32>, tensor<6xi32>
  // CHECK: nanochat.gather_rows %{{.*}}, %[[ROWS]] : tensor<12xf32>, tensor<6xi32>
  %v = nanochat.gather_rows %s, %rows : tensor<12xf32>, tensor<6xi32>
  // CHECK: nanochat.kept_attention_grad %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} rows %[[ROWS]] heads = 2 kv_heads = 1 seq = 6 : tensor<6x4xf32>, tensor<12x2xf32>, tensor<12x2xf32>, tensor<6x4xf32>, tensor<6x2xf32>, tensor<6x4xf32>, tensor<6xi32>
  %dq, %dk, %dv = nanochat.kept_attention_grad %q, %k, %k, %q, %lse, %q rows %rows heads = 2 kv_heads = 1 seq = 6
      : tensor<6x4xf32>, tensor<12x2xf32>, tensor<12x2xf32>, tensor<6x4xf32>, tensor<6x2xf32>, tensor<6x4xf32>, tensor<6xi32>
  return %dq : tensor<6x4xf32>
}

// CHECK: nanochat.objective "train" %{{.*}} filter(%{{.*}} keep = {{.*}}5.000000e-01 multiple = 2) trains ["head"] : tensor<f32>, tensor<4xf32>
// CHECK: nanochat.objective "other" %{{.*}} filter(%{{.*}} keep = {{.*}}1.000000e+00) : tensor<f32>, tensor<4xf32>
nanochat.model @filtered {
  %tokens, %targets = nanochat.tokens batch = 1 seq = 4
  %E = nanochat.param "embed" normal(0.5) role "head" : tensor<7x3xf32>
  %e = nanochat.embedding %tokens, %E : tensor<4xi32>, tensor<7x3xf32>
  %loss, %nll = nanochat.linear_cross_entropy %e, %E, %targets : tensor<4x3xf32>, tensor<7x3xf32>, tensor<4xi32>
  nanochat.objective "train" %loss filter(%nll keep = 0.5 multiple = 2) trains ["head"] : tensor<f32>, tensor<4xf32>
  nanochat.objective "other" %loss filter(%nll keep = 1.0) : tensor<f32>, tensor<4xf32>
} update {
}
