// RUN: nanochat-opt %s | nanochat-opt | FileCheck %s

// CHECK-LABEL: @positions
func.func @positions(%x: tensor<8x12xf32>) -> tensor<8x12xf32> {
  // CHECK: %[[C:.*]], %[[S:.*]] = nanochat.rope_table seq = 4 dim = 6 : tensor<4x3xf32>
  %cos, %sin = nanochat.rope_table seq = 4 dim = 6 : tensor<4x3xf32>
  // CHECK: nanochat.rope_table seq = 4 dim = 6 theta = 5.000000e+05 : tensor<4x3xf32>
  %far:2 = nanochat.rope_table seq = 4 dim = 6 theta = 5.0e5 : tensor<4x3xf32>
  // CHECK: nanochat.rope %{{.*}}, %[[C]], %[[S]] heads = 2 : tensor<8x12xf32>, tensor<4x3xf32>
  %y = nanochat.rope %x, %cos, %sin heads = 2 : tensor<8x12xf32>, tensor<4x3xf32>
  // CHECK: nanochat.rope %{{.*}}, %[[C]], %[[S]] heads = 2 inverse : tensor<8x12xf32>, tensor<4x3xf32>
  %z = nanochat.rope %y, %cos, %sin heads = 2 inverse : tensor<8x12xf32>, tensor<4x3xf32>
  return %z : tensor<8x12xf32>
}

// CHECK-LABEL: @grouped
func.func @grouped(%q: tensor<6x8xf32>, %k: tensor<6x4xf32>, %v: tensor<6x4xf32>) -> tensor<6x4xf32> {
  // CHECK: nanochat.attention %{{.*}}, %{{.*}}, %{{.*}} heads = 4 kv_heads = 2 seq = 3 : tensor<6x8xf32>, tensor<6x4xf32>, tensor<6x4xf32>
  %y, %lse = nanochat.attention %q, %k, %v heads = 4 kv_heads = 2 seq = 3
    : tensor<6x8xf32>, tensor<6x4xf32>, tensor<6x4xf32>
  // CHECK: nanochat.attention_grad {{.*}} y = %{{.*}} : tensor<6x8xf32> heads = 4 kv_heads = 2 seq = 3 :
  %dq, %dk, %dv = nanochat.attention_grad %q, %k, %v, %lse, %q y = %y : tensor<6x8xf32> heads = 4 kv_heads = 2 seq = 3
    : tensor<6x8xf32>, tensor<6x4xf32>, tensor<6x4xf32>, tensor<6x4xf32>, tensor<6x8xf32>
  return %dv : tensor<6x4xf32>
}

// CHECK-LABEL: @rounded
func.func @rounded(%q: tensor<6x8xbf16>, %k: tensor<6x4xbf16>, %v: tensor<6x4xbf16>, %delta: tensor<6x4xf32>) -> tensor<6x4xf32> {
  // CHECK: nanochat.attention %{{.*}} seq = 3 rounded : tensor<6x8xbf16>, tensor<6x4xbf16>, tensor<6x4xbf16>
  %y, %lse = nanochat.attention %q, %k, %v heads = 4 kv_heads = 2 seq = 3 rounded
    : tensor<6x8xbf16>, tensor<6x4xbf16>, tensor<6x4xbf16>
  // CHECK: nanochat.attention_grad {{.*}} delta = %{{.*}} : tensor<6x4xf32> heads = 4 kv_heads = 2 seq = 3 rounded :
  %dq, %dk, %dv = nanochat.attention_grad %q, %k, %v, %lse, %q delta = %delta : tensor<6x4xf32> heads = 4 kv_heads = 2 seq = 3 rounded
    : tensor<6x8xbf16>, tensor<6x4xbf16>, tensor<6x4xbf16>, tensor<6x4xf32>, tensor<6x8xbf16>
  return %dv : tensor<6x4xf32>
}
