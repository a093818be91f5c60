// RUN: nanochat-opt %s | nanochat-opt | FileCheck %s

// CHECK-LABEL: func.func @heads
func.func @heads(%h: tensor<4x3xf32>, %w: tensor<7x3xf32>, %targets: tensor<4xi32>, %weights: tensor<4xf32>) {
  // CHECK: nanochat.linear_cross_entropy %{{.*}}, %{{.*}}, %{{.*}} : tensor<4x3xf32>, tensor<7x3xf32>, tensor<4xi32>
  %loss, %nll = nanochat.linear_cross_entropy %h, %w, %targets : tensor<4x3xf32>, tensor<7x3xf32>, tensor<4xi32>
  // CHECK: nanochat.linear_cross_entropy %{{.*}} weights %{{.*}} : tensor<4x3xf32>, tensor<7x3xf32>, tensor<4xi32>, tensor<4xf32>
  %weighted, %same = nanochat.linear_cross_entropy %h, %w, %targets weights %weights : tensor<4x3xf32>, tensor<7x3xf32>, tensor<4xi32>, tensor<4xf32>
  // CHECK: nanochat.linear_cross_entropy %{{.*}}, %{{.*}}, %{{.*}} backward int8 : tensor<4x3xf32>
  %bytes, %equal = nanochat.linear_cross_entropy %h, %w, %targets backward int8 : tensor<4x3xf32>, tensor<7x3xf32>, tensor<4xi32>
  // CHECK: nanochat.linear_cross_entropy_with_grad %{{.*}}, %{{.*}}, %{{.*}} weights %{{.*}} :
  %l, %n, %dh, %dw = nanochat.linear_cross_entropy_with_grad %h, %w, %targets weights %weights
    : tensor<4x3xf32>, tensor<7x3xf32>, tensor<4xi32>, tensor<4xf32>
  return
}
