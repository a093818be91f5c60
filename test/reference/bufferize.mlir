// RUN: nanochat-opt %s --nanochat-decompose --nanochat-bufferize | FileCheck %s

// Results become trailing buffer arguments.
// CHECK: func.func @f(%{{.*}}: memref<4x3xf32>, %{{.*}}: memref<2x3xf32>, %{{.*}}: memref<4x2xf32>)
// CHECK-NOT: tensor
func.func @f(%x: tensor<4x3xf32>, %w: tensor<2x3xf32>) -> tensor<4x2xf32> {
  %y = nanochat.linear %x, %w : tensor<4x3xf32>, tensor<2x3xf32>
  return %y : tensor<4x2xf32>
}
