// RUN: nanochat-opt %s --nanochat-lane-sums | FileCheck %s

// 37 terms: two steps of 16 lanes, 5 more, then a tree of four levels onto the start value.
// CHECK: #[[STEP:.*]] = affine_map<(d0, d1, d2) -> (d0, d1 * 16 + d2)>
// CHECK: #[[REST:.*]] = affine_map<(d0, d1, d2) -> (d0, d1 * 16 + d2 + 32)>
// CHECK-LABEL: func.func @rows
// CHECK: arith.constant -0.0
// CHECK: linalg.generic {indexing_maps = [#[[STEP]], {{.*}} outs({{.*}} : tensor<3x16xf32>)
// CHECK: linalg.generic {indexing_maps = [#[[REST]], {{.*}} outs({{.*}} : tensor<3x5xf32>)
// CHECK: tensor.insert_slice {{.*}} tensor<3x5xf32> into tensor<3x16xf32>
// CHECK: -> tensor<3x8xf32>
// CHECK: -> tensor<3x4xf32>
// CHECK: -> tensor<3x2xf32>
// CHECK: -> tensor<3x1xf32>
// CHECK: linalg.generic {{.*}} ins(%arg1, {{.*}} : tensor<3xf32>, tensor<3xf32>)
func.func @rows(%x: tensor<3x37xf32>, %start: tensor<3xf32>) -> tensor<3xf32> {
  %y = linalg.generic {indexing_maps = [affine_map<(n, c) -> (n, c)>, affine_map<(n, c) -> (n)>],
                       iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<3x37xf32>) outs(%start : tensor<3xf32>) {
  ^bb0(%a: f32, %s: f32):
    %t = arith.addf %s, %a : f32
    linalg.yield %t : f32
  } -> tensor<3xf32>
  return %y : tensor<3xf32>
}

// Over rows, each column adds up in order: nothing to do.
// CHECK-LABEL: func.func @columns
// CHECK-NOT: tensor.extract_slice
func.func @columns(%x: tensor<37x3xf32>, %start: tensor<3xf32>) -> tensor<3xf32> {
  %y = linalg.generic {indexing_maps = [affine_map<(n, c) -> (n, c)>, affine_map<(n, c) -> (c)>],
                       iterator_types = ["reduction", "parallel"]}
      ins(%x : tensor<37x3xf32>) outs(%start : tensor<3xf32>) {
  ^bb0(%a: f32, %s: f32):
    %t = arith.addf %s, %a : f32
    linalg.yield %t : f32
  } -> tensor<3xf32>
  return %y : tensor<3xf32>
}
