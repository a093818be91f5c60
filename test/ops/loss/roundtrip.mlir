// RUN: nanochat-opt %s | nanochat-opt | FileCheck %s

// CHECK-LABEL: func.func @heads
func.func @heads(%h: tensor<4x3xf32>, %w: tensor<7x3xf32>, %targets: tensor<4xi32>, %weights: tensor<4xf32>) {
  // CHECK: nanochat.linear_cross_entropy %{{.*}}, %{{.*}}, %{{.*}} : tensor<4x3xf32>, tensor<7x3xf32>, tensor<4xi32>
  %loss, %nll = nanochat.linear_cross_entropy %h, %w, %targets : tensor<4x3xf32>, tensor<7x3xf32>, tensor<4xi32>
  // CHECK: nanochat.linear_cross_entropy %{{.*}} weights %{{.*}} : tensor<4x3xf32>, tensor<7x3xf32>, tensor<4xi32>, tensor<4xf32>
  %weighted, %same = nanochat.linear_cross_entropy %h, %w, %targets weights %weights : tensor<4x3xf32>, tensor<7x3xf32>, tensor<4xi32>, tensor<4xf32>
  // CHECK: nanochat.linear_cross_entropy %{{.*}}, %{{.*}}, %{{.*}} backward <dx = int8, dw = int8> : tensor<4x3xf32>
  %bytes, %equal = nanochat.linear_cross_entropy %h, %w, %targets backward <dx = int8, dw = int8> : tensor<4x3xf32>, tensor<7x3xf32>, tensor<4xi32>
  // CHECK: nanochat.linear_cross_entropy_with_grad %{{.*}}, %{{.*}}, %{{.*}} weights %{{.*}} :
  %l, %n, %dh, %dw = nanochat.linear_cross_entropy_with_grad %h, %w, %targets weights %weights
    : tensor<4x3xf32>, tensor<7x3xf32>, tensor<4xi32>, tensor<4xf32>
  %by = arith.constant dense<2.0> : tensor<f32>
  // CHECK: nanochat.targets_ahead %{{.*}} by %{{.*}} seq = 4 : tensor<4xi32>, tensor<f32>
  %ahead, %own = nanochat.targets_ahead %targets by %by seq = 4 : tensor<4xi32>, tensor<f32>
  // CHECK: nanochat.linear_cross_entropy %{{.*}} weights %{{.*}} auxiliary :
  %aux, %nlls = nanochat.linear_cross_entropy %h, %w, %ahead weights %own auxiliary : tensor<4x3xf32>, tensor<7x3xf32>, tensor<4xi32>, tensor<4xf32>
  %draws = arith.constant dense<0> : tensor<5xi32>
  // CHECK: nanochat.linear_cross_entropy %{{.*}} backward <dx = f32, dw = int8, rounding = stochastic> site "top" : tensor<4x3xf32>
  %chance, %alike = nanochat.linear_cross_entropy %h, %w, %targets backward <dx = f32, dw = int8, rounding = stochastic> site "top" : tensor<4x3xf32>, tensor<7x3xf32>, tensor<4xi32>
  // CHECK: nanochat.linear_cross_entropy_with_grad %{{.*}} backward <dx = int8, dw = int8, rounding = stochastic> draws %{{.*}} :
  %lc, %nc, %dhc, %dwc = nanochat.linear_cross_entropy_with_grad %h, %w, %targets backward <dx = int8, dw = int8, rounding = stochastic> draws %draws
    : tensor<4x3xf32>, tensor<7x3xf32>, tensor<4xi32>
  return
}
