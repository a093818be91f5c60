// RUN: nanochat-opt %s | nanochat-opt | FileCheck %s
// CHECK-LABEL: func.func @group
func.func @group(%W: tensor<3x8x4xf32>, %E: tensor<5x2xf32>, %x: tensor<4x3xf32>, %acc: tensor<4x3xi32>)
    -> (tensor<3x8x4xf32>, tensor<5x2xf32>, tensor<4x3xf32>, tensor<4x3xi32>, tensor<4x3xf32>) {
  // CHECK: %[[RANK:.*]] = nanochat.group_rank among 2
  %rank = nanochat.group_rank among 2
  // CHECK: %[[W:.*]] = nanochat.part %{{.*}} at %[[RANK]] dim 1 among 2 : tensor<3x8x4xf32>
  %w = nanochat.part %W at %rank dim 1 among 2 : tensor<3x8x4xf32>
  // CHECK: nanochat.join_parts %[[W]] dim 1 among 2 : tensor<3x4x4xf32> -> tensor<3x8x4xf32>
  %all = nanochat.join_parts %w dim 1 among 2 : tensor<3x4x4xf32> -> tensor<3x8x4xf32>
  // CHECK: nanochat.part %{{.*}} dim 0 among 2 : tensor<5x2xf32>
  %e = nanochat.part %E at %rank dim 0 among 2 : tensor<5x2xf32>
  // CHECK: nanochat.join_parts %{{.*}} dim 0 among 2 : tensor<3x2xf32> -> tensor<5x2xf32>
  %words = nanochat.join_parts %e dim 0 among 2 : tensor<3x2xf32> -> tensor<5x2xf32>
  // CHECK: nanochat.to_group %{{.*}} among 2 : tensor<4x3xf32>
  %in = nanochat.to_group %x among 2 : tensor<4x3xf32>
  // CHECK: nanochat.group_reduce maximum %{{.*}} among 2 : tensor<4x3xf32>
  %most = nanochat.group_reduce maximum %in among 2 : tensor<4x3xf32>
  // CHECK: nanochat.group_reduce sum %{{.*}} among 2 : tensor<4x3xi32>
  %sum = nanochat.group_reduce sum %acc among 2 : tensor<4x3xi32>
  return %all, %words, %most, %sum, %in : tensor<3x8x4xf32>, tensor<5x2xf32>, tensor<4x3xf32>, tensor<4x3xi32>, tensor<4x3xf32>
}

// CHECK-LABEL: func.func @layers
func.func @layers(%x: tensor<4x8xf32>, %w: tensor<6x8xf32>, %whole: tensor<6x16xf32>, %dy: tensor<4x6xf32>, %E: tensor<3x6xf32>, %targets: tensor<4xi32>,
                  %rank: tensor<i32>) -> (tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x8xf32>, tensor<f32>, tensor<f32>) {
  // CHECK: nanochat.quantize_rows %{{.*}} among 2 : tensor<4x8xf32>
  %q, %s = nanochat.quantize_rows %x among 2 : tensor<4x8xf32>
  // CHECK: nanochat.ternarize %{{.*}} of %{{.*}} : tensor<6x16xf32> : tensor<6x8xf32>
  %t, %gamma = nanochat.ternarize %w of %whole : tensor<6x16xf32> : tensor<6x8xf32>
  // CHECK: nanochat.ternary_matmul %{{.*}} among 2 outputs_among 4 : tensor<4x8xi8>
  %y = nanochat.ternary_matmul %q, %s, %t, %gamma among 2 outputs_among 4 : tensor<4x8xi8>, tensor<4xf32>, tensor<6x8xi8>, tensor<f32>
  // CHECK: nanochat.ternary_input_grad %{{.*}} among 2 : tensor<4x6xf32>
  %dx = nanochat.ternary_input_grad %dy, %t, %gamma among 2 : tensor<4x6xf32>, tensor<6x8xi8>, tensor<f32>
  // CHECK: nanochat.linear %{{.*}} among 2 : tensor<4x8xf32>
  %z = nanochat.linear %x, %w among 2 : tensor<4x8xf32>, tensor<6x8xf32>
  // CHECK: nanochat.linear_cross_entropy %{{.*}} part %{{.*}} among 2 of 5 : tensor<4x6xf32>
  %loss, %nll = nanochat.linear_cross_entropy %z, %E, %targets part %rank among 2 of 5 : tensor<4x6xf32>, tensor<3x6xf32>, tensor<4xi32>
  // CHECK: nanochat.linear_cross_entropy_with_grad %{{.*}} part %{{.*}} among 2 of 6 : tensor<4x6xf32>
  %l, %n, %dh, %dw = nanochat.linear_cross_entropy_with_grad %y, %E, %targets part %rank among 2 of 6 : tensor<4x6xf32>, tensor<3x6xf32>, tensor<4xi32>
  return %y, %dh, %dx, %loss, %l : tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x8xf32>, tensor<f32>, tensor<f32>
}
