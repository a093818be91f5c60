// RUN: nanochat-opt %s | nanochat-opt | FileCheck %s

// CHECK-LABEL: func.func @rows
func.func @rows(%tokens: tensor<4xi32>, %table: tensor<7x3xf32>) -> tensor<7x3xf32> {
  // CHECK: nanochat.embedding %{{.*}}, %{{.*}} : tensor<4xi32>, tensor<7x3xf32>
  %x = nanochat.embedding %tokens, %table : tensor<4xi32>, tensor<7x3xf32>
  // CHECK: nanochat.embedding_grad %{{.*}}, %{{.*}} : tensor<4xi32>, tensor<4x3xf32> -> tensor<7x3xf32>
  %d = nanochat.embedding_grad %tokens, %x : tensor<4xi32>, tensor<4x3xf32> -> tensor<7x3xf32>
  return %d : tensor<7x3xf32>
}
