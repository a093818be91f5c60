// RUN: nanochat-opt %s --nanochat-decompose | FileCheck %s

// CHECK-LABEL: @f
// CHECK-NOT: nanochat.
// CHECK: scf.for
// CHECK: tensor.extract_slice
// CHECK: linalg.generic
func.func @f(%x: tensor<16x8xf32>, %w: tensor<2x8x8xf32>) -> tensor<16x8xf32> {
  %y = nanochat.loop "layers" = 2 carry(%a = %x : tensor<16x8xf32>) slice(%v = %w : tensor<2x8x8xf32>) {
    %l = nanochat.linear %a, %v : tensor<16x8xf32>, tensor<8x8xf32>
    nanochat.yield %l : tensor<16x8xf32>
  }
  return %y : tensor<16x8xf32>
}
