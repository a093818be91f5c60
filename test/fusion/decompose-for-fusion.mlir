// RUN: nanochat-opt %s --nanochat-decompose-for-fusion | FileCheck %s
// RUN: nanochat-opt %s --nanochat-decompose-for-fusion --nanochat-check-numeric

// Loops and ops with a kernel of their own stay; the rest is linalg, and splats are scalars inside.
// CHECK-LABEL: @f
func.func @f(%x: tensor<16x8xf32>, %w: tensor<2x8x8xf32>, %t: tensor<16xi32>) -> (tensor<16x8xf32>, tensor<9x8xf32>) {
  %c = arith.constant dense<2.0> : tensor<16x8xf32>
  // CHECK: nanochat.loop "layers" = 2
  // CHECK-NOT: nanochat.linear
  // CHECK: linalg.generic
  %y = nanochat.loop "layers" = 2 carry(%a = %x : tensor<16x8xf32>) slice(%v = %w : tensor<2x8x8xf32>) {
    %l = nanochat.linear %a, %v : tensor<16x8xf32>, tensor<8x8xf32>
    // CHECK: arith.mulf %{{.*}}, %cst{{.*}} : f32
    %m = arith.mulf %l, %c : tensor<16x8xf32>
    nanochat.yield %m : tensor<16x8xf32>
  }
  // CHECK: nanochat.embedding_grad
  %g = nanochat.embedding_grad %t, %y : tensor<16xi32>, tensor<16x8xf32> -> tensor<9x8xf32>
  return %y, %g : tensor<16x8xf32>, tensor<9x8xf32>
}

// A slice amid one number is computed element by element.
// CHECK-LABEL: @slice
// CHECK-NOT: tensor.insert_slice
// CHECK: linalg.generic
// CHECK: tensor.extract
func.func @slice() -> (tensor<4x3xf32>, tensor<4x3xf32>) {
  %x = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %around = arith.constant dense<7.0> : tensor<4x3xf32>
  %y = tensor.insert_slice %x into %around[1, 0] [2, 2] [1, 1] : tensor<2x2xf32> into tensor<4x3xf32>
  %e = arith.constant dense<[[7.0, 7.0, 7.0], [1.0, 2.0, 7.0], [3.0, 4.0, 7.0], [7.0, 7.0, 7.0]]> : tensor<4x3xf32>
  return %y, %e : tensor<4x3xf32>, tensor<4x3xf32>
}

// Where CPUs alone have a kernel, it stays or it does not.
// RUN: nanochat-opt %s --nanochat-decompose-for-fusion | FileCheck %s --check-prefix=CPU
// RUN: nanochat-opt %s --pass-pipeline="builtin.module(func.func(nanochat-decompose-for-fusion{for-gpus}))" | FileCheck %s --check-prefix=GPU
// CPU-LABEL: @kept
// CPU: nanochat.kept_attention_grad
// GPU-LABEL: @kept
// GPU: nanochat.attention_grad
func.func @kept(%q: tensor<3x4xf32>, %k: tensor<6x4xf32>, %l: tensor<3x2xf32>, %rows: tensor<3xi32>) -> tensor<3x4xf32> {
  %dq, %dk, %dv = nanochat.kept_attention_grad %q, %k, %k, %q, %l, %q rows %rows heads = 2 kv_heads = 2 seq = 6
      : tensor<3x4xf32>, tensor<6x4xf32>, tensor<6x4xf32>, tensor<3x4xf32>, tensor<3x2xf32>, tensor<3x4xf32>, tensor<3xi32>
  return %dq : tensor<3x4xf32>
}
