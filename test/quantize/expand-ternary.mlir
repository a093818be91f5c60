// RUN: nanochat-opt %s --nanochat-expand-ternary | FileCheck %s
// RUN: nanochat-opt %s --nanochat-set-target=target=x86-64-v3 --nanochat-expand-ternary | FileCheck %s --check-prefix=INTEGERS
// INTEGERS: nanochat.ternary_matmul {{.*}} backward <dx = int16, dw = int16>
// INTEGERS: nanochat.ternary_matmul {{.*}} backward <dx = f32, dw = f32>

// CHECK-LABEL: @linear_becomes_quantisers_and_product
// CHECK-SAME: (%[[X:.*]]: tensor<2x4xf32>, %[[W:.*]]: tensor<3x4xf32>)
func.func @linear_becomes_quantisers_and_product(%x: tensor<2x4xf32>, %w: tensor<3x4xf32>) -> tensor<2x3xf32> {
  // CHECK: %[[Q:.*]], %[[S:.*]] = nanochat.quantize_rows %[[X]]
  // CHECK: %[[T:.*]], %[[G:.*]] = nanochat.ternarize %[[W]] :
  // What was left to the target is explicit.
  // CHECK: %[[Y:.*]] = nanochat.ternary_matmul %[[Q]], %[[S]], %[[T]], %[[G]] backward <dx = f32, dw = f32> :
  // CHECK: return %[[Y]]
  %y = nanochat.ternary_linear %x, %w : tensor<2x4xf32>, tensor<3x4xf32>
  return %y : tensor<2x3xf32>
}

// CHECK-LABEL: @attributes_go_to_their_pieces_also_in_loops
func.func @attributes_go_to_their_pieces_also_in_loops(%x: tensor<2x4xf32>, %W: tensor<5x4x4xf32>) -> tensor<2x4xf32> {
  // CHECK: nanochat.loop "layers"
  // CHECK: nanochat.ternarize %{{.*}} group 2
  // CHECK: nanochat.ternary_matmul {{.*}} backward <dx = f32, dw = f32> : tensor<2x4xi8>, tensor<2xf32>, tensor<4x4xi8>, tensor<4x2xf32>
  // CHECK-NOT: ternary_linear
  %y = nanochat.loop "layers" = 5 carry(%h = %x : tensor<2x4xf32>) slice(%w = %W : tensor<5x4x4xf32>) {
    %z = nanochat.ternary_linear %h, %w group = 2 backward <dx = f32, dw = f32> : tensor<2x4xf32>, tensor<4x4xf32>
    nanochat.yield %z : tensor<2x4xf32>
  }
  return %y : tensor<2x4xf32>
}
