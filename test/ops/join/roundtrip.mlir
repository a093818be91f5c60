// RUN: nanochat-opt %s | nanochat-opt | FileCheck %s
// CHECK-LABEL: func.func @join
func.func @join(%x: tensor<1x4xf32>, %y: tensor<2x4xf32>, %sums: tensor<3x4xf32>) -> (tensor<3x4xf32>, tensor<3x4xf32>) {
  // CHECK: nanochat.join %{{.*}}, %{{.*}} : tensor<1x4xf32>, tensor<2x4xf32> -> tensor<3x4xf32>
  %a = nanochat.join %x, %y : tensor<1x4xf32>, tensor<2x4xf32> -> tensor<3x4xf32>
  // CHECK: nanochat.join %{{.*}}, %{{.*}} over %{{.*}} : tensor<2x4xf32>, tensor<1x4xf32> over tensor<3x4xf32> -> tensor<3x4xf32>
  %b = nanochat.join %y, %x over %sums : tensor<2x4xf32>, tensor<1x4xf32> over tensor<3x4xf32> -> tensor<3x4xf32>
  return %a, %b : tensor<3x4xf32>, tensor<3x4xf32>
}
