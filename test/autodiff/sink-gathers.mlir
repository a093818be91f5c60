// RUN: nanochat-opt %s --pass-pipeline="builtin.module(func.func(nanochat-sink-gathers,canonicalize,cse))" -split-input-file | FileCheck %s

// A norm and its codes, of which only rows are read, are of rows alone; so is a rotation, by the angles of where rows stand.
// CHECK-LABEL: func.func @chain
// CHECK-SAME: (%[[X:.*]]: tensor<8x4xf32>, %[[G:.*]]: tensor<4xf32>, %[[ROWS:.*]]: tensor<6xi32>, %[[C:.*]]: tensor<4x2xf32>)
// CHECK-DAG: %[[AT:.*]] = arith.remui %[[ROWS]]
// CHECK-DAG: %[[K:.*]] = nanochat.gather_rows %[[X]], %[[ROWS]] : tensor<8x4xf32>, tensor<6xi32>
// CHECK-DAG: %[[N:.*]] = nanochat.rms_norm %[[K]], %[[G]] : tensor<6x4xf32>, tensor<4xf32>
// CHECK-DAG: nanochat.quantize_rows %[[N]] : tensor<6x4xf32>
// CHECK-DAG: %[[T:.*]] = nanochat.gather_rows %[[C]], %[[AT]] : tensor<4x2xf32>, tensor<6xi32>
// CHECK-DAG: nanochat.rope %[[K]], %[[T]], %[[T]] heads = 1 : tensor<6x4xf32>, tensor<6x2xf32>
func.func @chain(%x: tensor<8x4xf32>, %g: tensor<4xf32>, %rows: tensor<6xi32>, %c: tensor<4x2xf32>) -> (tensor<6x4xi8>, tensor<6xf32>, tensor<6x4xf32>) {
  %n = nanochat.rms_norm %x, %g : tensor<8x4xf32>, tensor<4xf32>
  %q, %s = nanochat.quantize_rows %n : tensor<8x4xf32>
  %r = nanochat.rope %x, %c, %c heads = 1 : tensor<8x4xf32>, tensor<4x2xf32>
  %a = nanochat.gather_rows %q, %rows : tensor<8x4xi8>, tensor<6xi32>
  %b = nanochat.gather_rows %s, %rows : tensor<8xf32>, tensor<6xi32>
  %d = nanochat.gather_rows %r, %rows : tensor<8x4xf32>, tensor<6xi32>
  return %a, %b, %d : tensor<6x4xi8>, tensor<6xf32>, tensor<6x4xf32>
}

// -----

// What is read whole as well, or of other rows, stays.
// CHECK-LABEL: func.func @whole
// CHECK: %[[N:.*]] = nanochat.rms_norm %{{.*}} : tensor<8x4xf32>, tensor<4xf32>
// CHECK: nanochat.gather_rows %[[N]]
// CHECK: %[[M:.*]] = nanochat.silu %{{.*}} : tensor<8x4xf32>
// CHECK: nanochat.gather_rows %[[M]]
// CHECK: nanochat.gather_rows %[[M]]
func.func @whole(%x: tensor<8x4xf32>, %g: tensor<4xf32>, %rows: tensor<6xi32>, %others: tensor<6xi32>) -> (tensor<8x4xf32>, tensor<6x4xf32>, tensor<6x4xf32>, tensor<6x4xf32>) {
  %n = nanochat.rms_norm %x, %g : tensor<8x4xf32>, tensor<4xf32>
  %a = nanochat.gather_rows %n, %rows : tensor<8x4xf32>, tensor<6xi32>
  %m = nanochat.silu %x : tensor<8x4xf32>
  %b = nanochat.gather_rows %m, %rows : tensor<8x4xf32>, tensor<6xi32>
  %c = nanochat.gather_rows %m, %others : tensor<8x4xf32>, tensor<6xi32>
  return %n, %a, %b, %c : tensor<8x4xf32>, tensor<6x4xf32>, tensor<6x4xf32>, tensor<6x4xf32>
}

// -----

// What says its own size stays whole.
// CHECK-LABEL: func.func @numbers
// CHECK: %[[N:.*]] = nanochat.numbers
// CHECK: nanochat.gather_rows %[[N]]
func.func @numbers(%rows: tensor<2xi32>) -> tensor<2xf32> {
  %n = nanochat.numbers [1.0, 0.5, 0.25, 2.0] : tensor<4xf32>
  %a = nanochat.gather_rows %n, %rows : tensor<4xf32>, tensor<2xi32>
  return %a : tensor<2xf32>
}
