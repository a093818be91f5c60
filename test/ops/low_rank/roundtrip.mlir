// RUN: nanochat-opt %s | nanochat-opt | FileCheck %s

// CHECK-LABEL: @pieces
func.func @pieces(%g: tensor<8x20xf32>, %y: tensor<20x6xf32>, %stream: tensor<3xi32>, %id: tensor<i32>, %step: tensor<i32>) {
  // CHECK: nanochat.orthonormalize %{{.*}} : tensor<20x6xf32>
  %q = nanochat.orthonormalize %y : tensor<20x6xf32>
  %k = nanochat.matmul %q transposed, %q : tensor<20x6xf32>, tensor<20x6xf32>
  // CHECK: nanochat.cholesky_inverse %{{.*}} {shift = 9.99{{[0-9]*}}E-7 : f64} : tensor<6x6xf32>
  %x = nanochat.cholesky_inverse %k {shift = 1.0e-6 : f64} : tensor<6x6xf32>
  // CHECK: nanochat.symmetric_eigen %{{.*}} {sweeps = 3 : i64} : tensor<6x6xf32>
  %values, %vectors = nanochat.symmetric_eigen %x {sweeps = 3} : tensor<6x6xf32>
  // CHECK: nanochat.low_rank_basis %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} {iterations = 2 : i64} : tensor<8x20xf32> to tensor<8x3xf32>
  %p = nanochat.low_rank_basis %g, %stream, %id, %step {iterations = 2} : tensor<8x20xf32> to tensor<8x3xf32>
  // CHECK: nanochat.refresh_schedule %{{.*}} {first = 2 : i64, of = 9 : i64, period = 200 : i64} : tensor<4xi32>
  %due = nanochat.refresh_schedule %step {first = 2, of = 9, period = 200} : tensor<4xi32>
  return
}
