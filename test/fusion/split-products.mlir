// RUN: nanochat-opt %s --nanochat-set-target=target=sm_90:multiprocessors=4 --nanochat-split-products=least=16 | FileCheck %s
// RUN: nanochat-opt %s --nanochat-set-target=target=sm_90:multiprocessors=4 --nanochat-split-products=least=16 --nanochat-check-numeric
// RUN: nanochat-opt %s --nanochat-set-target=target=sm_90:multiprocessors=1 --nanochat-split-products=least=16 | FileCheck %s --check-prefix=WHOLE
// RUN: nanochat-opt %s --nanochat-set-target=target=sm_90:multiprocessors=4 --nanochat-split-products=least=64 | FileCheck %s --check-prefix=WHOLE
// RUN: nanochat-opt %s --nanochat-set-target=target=avx512-vnni --nanochat-split-products=least=16 | FileCheck %s --check-prefix=WHOLE
// WHOLE-NOT: tensor.expand_shape

// Three slices of 32 in one factor that k runs along and one that it runs across; the sum starts where the product did.
// CHECK-DAG: #[[X:.*]] = affine_map<(d0, d1, d2, d3) -> (d1, d0, d3)>
// CHECK-DAG: #[[Y:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d3, d2)>
// CHECK-DAG: #[[Z:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
// CHECK-LABEL: @floats
func.func @floats() -> (tensor<2x3xf32>, tensor<2x3xf32>) attributes {nanochat.tolerance = 1.0e-7 : f64} {
  %none = tensor.empty() : tensor<2x96xf32>
  %x = linalg.generic {indexing_maps = [affine_map<(m, k) -> (m, k)>], iterator_types = ["parallel", "parallel"]} outs(%none : tensor<2x96xf32>) {
  ^bb0(%o: f32):
    %m = linalg.index 0 : index
    %k = linalg.index 1 : index
    %sum = arith.addi %m, %k : index
    %i = arith.index_cast %sum : index to i32
    %f = arith.sitofp %i : i32 to f32
    linalg.yield %f : f32
  } -> tensor<2x96xf32>
  %nothing = tensor.empty() : tensor<96x3xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(k, n) -> (k, n)>], iterator_types = ["parallel", "parallel"]} outs(%nothing : tensor<96x3xf32>) {
  ^bb0(%o: f32):
    %k = linalg.index 0 : index
    %n = linalg.index 1 : index
    %difference = arith.subi %k, %n : index
    %i = arith.index_cast %difference : index to i32
    %f = arith.sitofp %i : i32 to f32
    linalg.yield %f : f32
  } -> tensor<96x3xf32>
  %start = arith.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
  // CHECK: %[[START:.*]] = arith.constant dense<{{\[\[}}1.0
  // CHECK: %[[XS:.*]] = tensor.expand_shape %{{.*}} {{\[\[}}0], [1, 2]] output_shape [2, 3, 32]
  // CHECK: %[[YS:.*]] = tensor.expand_shape %{{.*}} {{\[\[}}0, 1], [2]] output_shape [3, 32, 3]
  // CHECK: %[[SLICES:.*]] = linalg.generic {indexing_maps = [#[[X]], #[[Y]], #[[Z]]], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%[[XS]], %[[YS]]
  // CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "reduction", "parallel"]} ins(%[[SLICES]] : tensor<3x2x3xf32>) outs(%[[START]]
  %z = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %y : tensor<2x96xf32>, tensor<96x3xf32>) outs(%start : tensor<2x3xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<2x3xf32>
  // Σ k² = 290320, Σ k = 4560: Σ (k + m)(k − n) = 290320 + 4560 (m − n) − 96 m n.
  %e = arith.constant dense<[[290321.0, 285762.0, 281203.0], [294884.0, 290229.0, 285574.0]]> : tensor<2x3xf32>
  return %z, %e : tensor<2x3xf32>, tensor<2x3xf32>
}

// CHECK-LABEL: @integers
// CHECK: tensor<2x3x5xi32>
func.func @integers() -> (tensor<3x5xf32>, tensor<3x5xf32>) attributes {nanochat.tolerance = 0.0 : f64} {
  %x = arith.constant dense<-3> : tensor<32x3xi8>
  %y = arith.constant dense<7> : tensor<32x5xi8>
  %zero = arith.constant 0 : i32
  %none = tensor.empty() : tensor<3x5xi32>
  %start = linalg.fill ins(%zero : i32) outs(%none : tensor<3x5xi32>) -> tensor<3x5xi32>
  %z = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (k, m)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %y : tensor<32x3xi8>, tensor<32x5xi8>) outs(%start : tensor<3x5xi32>) {
  ^bb0(%a: i8, %b: i8, %c: i32):
    %aw = arith.extsi %a : i8 to i32
    %bw = arith.extsi %b : i8 to i32
    %p = arith.muli %aw, %bw : i32
    %s = arith.addi %c, %p : i32
    linalg.yield %s : i32
  } -> tensor<3x5xi32>
  %nothing = tensor.empty() : tensor<3x5xf32>
  %f = linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m, n)>], iterator_types = ["parallel", "parallel"]} ins(%z : tensor<3x5xi32>) outs(%nothing : tensor<3x5xf32>) {
  ^bb0(%i: i32, %o: f32):
    %s = arith.sitofp %i : i32 to f32
    linalg.yield %s : f32
  } -> tensor<3x5xf32>
  %e = arith.constant dense<-672.0> : tensor<3x5xf32>
  return %f, %e : tensor<3x5xf32>, tensor<3x5xf32>
}

// k of 40 is no number of whole 16s.
// CHECK-LABEL: @uneven
// CHECK-NOT: tensor.expand_shape
func.func @uneven(%x: tensor<2x40xf32>, %y: tensor<3x40xf32>, %start: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %z = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %y : tensor<2x40xf32>, tensor<3x40xf32>) outs(%start : tensor<2x3xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<2x3xf32>
  return %z : tensor<2x3xf32>
}

// The greatest of products is no sum.
// CHECK-LABEL: @greatest
// CHECK-NOT: tensor.expand_shape
func.func @greatest(%x: tensor<2x32xf32>, %y: tensor<3x32xf32>, %start: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %z = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %y : tensor<2x32xf32>, tensor<3x32xf32>) outs(%start : tensor<2x3xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.maximumf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<2x3xf32>
  return %z : tensor<2x3xf32>
}
