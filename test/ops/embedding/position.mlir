// RUN: nanochat-opt %s | nanochat-opt | FileCheck %s
// RUN: nanochat-opt %s --nanochat-check-numeric
// RUN: nanochat-opt %s --nanochat-check-grad

// CHECK-LABEL: @every_sequence_starts_at_row_zero
// CHECK: nanochat.position_embedding %{{.*}}, %{{.*}} seq = 2 : tensor<4x2xf32>, tensor<3x2xf32>
func.func @every_sequence_starts_at_row_zero() -> (tensor<4x2xf32>, tensor<4x2xf32>)
    attributes {nanochat.tolerance = 0.0 : f64} {
  %x = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]> : tensor<4x2xf32>
  %table = arith.constant dense<[[10.0, 20.0], [30.0, 40.0], [50.0, 60.0]]> : tensor<3x2xf32>
  %y = nanochat.position_embedding %x, %table seq = 2 : tensor<4x2xf32>, tensor<3x2xf32>
  %e = arith.constant dense<[[11.0, 22.0], [33.0, 44.0], [15.0, 26.0], [37.0, 48.0]]> : tensor<4x2xf32>
  return %y, %e : tensor<4x2xf32>, tensor<4x2xf32>
}

// CHECK-LABEL: @gradient_sums_sequences_and_spares_unused_rows
// CHECK: nanochat.position_embedding_grad %{{.*}} seq = 2 : tensor<4x2xf32> -> tensor<3x2xf32>
func.func @gradient_sums_sequences_and_spares_unused_rows() -> (tensor<3x2xf32>, tensor<3x2xf32>)
    attributes {nanochat.tolerance = 0.0 : f64} {
  %dy = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]> : tensor<4x2xf32>
  %dt = nanochat.position_embedding_grad %dy seq = 2 : tensor<4x2xf32> -> tensor<3x2xf32>
  %e = arith.constant dense<[[6.0, 8.0], [10.0, 12.0], [0.0, 0.0]]> : tensor<3x2xf32>
  return %dt, %e : tensor<3x2xf32>, tensor<3x2xf32>
}

func.func @position_gradient(%x: tensor<4x2xf64>, %table: tensor<3x2xf64>) -> tensor<4x2xf64>
    attributes {nanochat.check_grad} {
  %y = nanochat.position_embedding %x, %table seq = 2 : tensor<4x2xf64>, tensor<3x2xf64>
  return %y : tensor<4x2xf64>
}
