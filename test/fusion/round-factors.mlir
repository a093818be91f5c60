// RUN: nanochat-opt %s --nanochat-set-target=target=sm_90 --nanochat-round-factors | FileCheck %s
// RUN: nanochat-opt %s --nanochat-set-target=target=x86-64-v3 --nanochat-round-factors | FileCheck %s --check-prefix=EXACT
// EXACT-NOT: bf16

#mk = affine_map<(m, n, k) -> (m, k)>
#nk = affine_map<(m, n, k) -> (n, k)>
#mn = affine_map<(m, n, k) -> (m, n)>
#n = affine_map<(n, k) -> (n)>
#nk2 = affine_map<(n, k) -> (n, k)>

// A factor is rounded once, outside of the loop that only reads it.
// CHECK-LABEL: @factors_are_rounded_where_they_are_made
// CHECK-SAME: (%[[X:.*]]: tensor<2x4xf32>, %[[W:.*]]: tensor<3x4xf32>
// CHECK: %[[HALF_W:.*]] = linalg.generic {{.*}} ins(%[[W]] : tensor<3x4xf32>) outs(%{{.*}} : tensor<3x4xbf16>)
// CHECK: arith.truncf
// CHECK: %[[HALF_X:.*]] = linalg.generic {{.*}} ins(%[[X]] : tensor<2x4xf32>) outs(%{{.*}} : tensor<2x4xbf16>)
// CHECK: scf.for
// CHECK-NOT: arith.truncf
// CHECK: linalg.generic {{.*}} ins(%[[HALF_X]], %[[HALF_W]] : tensor<2x4xbf16>, tensor<3x4xbf16>)
// CHECK: %[[A:.*]] = arith.extf %{{.*}} : bf16 to f32
// CHECK: %[[B:.*]] = arith.extf %{{.*}} : bf16 to f32
// CHECK: arith.mulf %[[B]], %[[A]] : f32
func.func @factors_are_rounded_where_they_are_made(%x: tensor<2x4xf32>, %w: tensor<3x4xf32>, %c: index) -> tensor<2x3xf32> {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %start = arith.constant dense<0.0> : tensor<2x3xf32>
  %y = scf.for %i = %zero to %c step %one iter_args(%acc = %start) -> tensor<2x3xf32> {
    %next = linalg.generic {indexing_maps = [#mk, #nk, #mn], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%x, %w : tensor<2x4xf32>, tensor<3x4xf32>) outs(%acc : tensor<2x3xf32>) {
    ^bb0(%a: f32, %b: f32, %s: f32):
      %p = arith.mulf %a, %b : f32
      %t = arith.addf %s, %p : f32
      linalg.yield %t : f32
    } -> tensor<2x3xf32>
    scf.yield %next : tensor<2x3xf32>
  }
  return %y : tensor<2x3xf32>
}

// CHECK-LABEL: @sums_of_rows_are_no_products_of_matrices
// CHECK-NOT: bf16
func.func @sums_of_rows_are_no_products_of_matrices(%x: tensor<3x4xf32>) -> tensor<3xf32> {
  %start = arith.constant dense<0.0> : tensor<3xf32>
  %y = linalg.generic {indexing_maps = [#nk2, #nk2, #n], iterator_types = ["parallel", "reduction"]}
      ins(%x, %x : tensor<3x4xf32>, tensor<3x4xf32>) outs(%start : tensor<3xf32>) {
  ^bb0(%a: f32, %b: f32, %s: f32):
    %p = arith.mulf %a, %b : f32
    %t = arith.addf %s, %p : f32
    linalg.yield %t : f32
  } -> tensor<3xf32>
  return %y : tensor<3xf32>
}

// CHECK-LABEL: @train.update
// CHECK-NOT: bf16
func.func @train.update(%x: tensor<2x4xf32>, %w: tensor<3x4xf32>) -> tensor<2x3xf32> {
  %start = arith.constant dense<0.0> : tensor<2x3xf32>
  %y = linalg.generic {indexing_maps = [#mk, #nk, #mn], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<2x4xf32>, tensor<3x4xf32>) outs(%start : tensor<2x3xf32>) {
  ^bb0(%a: f32, %b: f32, %s: f32):
    %p = arith.mulf %a, %b : f32
    %t = arith.addf %s, %p : f32
    linalg.yield %t : f32
  } -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// A reference that computes in f64 rounds as well, and goes on in f64.
// CHECK-LABEL: @wide
// CHECK: %[[NARROW:.*]] = arith.truncf %{{.*}} : f64 to f32
// CHECK: %[[HALF:.*]] = arith.truncf %[[NARROW]] : f32 to bf16
// CHECK: arith.extf %[[HALF]] : bf16 to f64
// CHECK: linalg.generic {{.*}} ins(%{{.*}} : tensor<2x4xf64>, tensor<3x4xf64>)
func.func @wide(%x: tensor<2x4xf64>, %w: tensor<3x4xf64>, %start: tensor<2x3xf64>) -> tensor<2x3xf64> {
  %y = linalg.generic {indexing_maps = [#mk, #nk, #mn], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<2x4xf64>, tensor<3x4xf64>) outs(%start : tensor<2x3xf64>) {
  ^bb0(%a: f64, %b: f64, %s: f64):
    %p = arith.mulf %a, %b : f64
    %t = arith.addf %s, %p : f64
    linalg.yield %t : f64
  } -> tensor<2x3xf64>
  return %y : tensor<2x3xf64>
}
