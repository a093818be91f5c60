// RUN: nanochat-opt %s | nanochat-opt | FileCheck %s

// CHECK-LABEL: func.func @linears
func.func @linears(%x: tensor<4x3xf32>, %w: tensor<2x3xf32>, %bias: tensor<2xf32>) -> tensor<4x2xf32> {
  // CHECK: nanochat.linear %{{.*}}, %{{.*}} : tensor<4x3xf32>, tensor<2x3xf32>
  %y = nanochat.linear %x, %w : tensor<4x3xf32>, tensor<2x3xf32>
  // CHECK: nanochat.linear %{{.*}}, %{{.*}} bias %{{.*}} : tensor<4x3xf32>, tensor<2x3xf32> bias tensor<2xf32>
  %z = nanochat.linear %x, %w bias %bias : tensor<4x3xf32>, tensor<2x3xf32> bias tensor<2xf32>
  %s = arith.addf %y, %z : tensor<4x2xf32>
  return %s : tensor<4x2xf32>
}

// CHECK-LABEL: func.func @products
func.func @products(%a: tensor<4x3xf64>, %b: tensor<4x5xf64>, %c: tensor<5x3xf64>) -> tensor<3xf64> {
  // CHECK: nanochat.matmul %{{.*}} transposed, %{{.*}} : tensor<4x3xf64>, tensor<4x5xf64>
  %p = nanochat.matmul %a transposed, %b : tensor<4x3xf64>, tensor<4x5xf64>
  // CHECK: nanochat.matmul %{{.*}}, %{{.*}} transposed : tensor<4x3xf64>, tensor<5x3xf64>
  %q = nanochat.matmul %a, %c transposed : tensor<4x3xf64>, tensor<5x3xf64>
  // CHECK: nanochat.sum_rows %{{.*}} : tensor<4x3xf64>
  %r = nanochat.sum_rows %a : tensor<4x3xf64>
  return %r : tensor<3xf64>
}
