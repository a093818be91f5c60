// Products of scaled blocks for targets that have none: of the numbers that codes stand for.
// RUN: nanochat-opt %s --nanochat-expand-fp4 | FileCheck %s

// CHECK-DAG: #[[BLOCKS:.*]] = affine_map<(d0, d1) -> (d0, d1 floordiv 32)>
// CHECK-LABEL: @input_gradient
func.func @input_gradient(%dy: tensor<8x64xf32>, %t: tensor<64x5xi8>, %f: tensor<f32>) -> tensor<8x5xf32> {
  // CHECK-NOT: nanochat.quantize_fp4
  %q, %s = nanochat.quantize_fp4 mxfp4 %dy axis = 1 : tensor<8x64xf32>
  // CHECK: %[[DY:.*]] = linalg.generic {indexing_maps = [#{{.*}}, #[[BLOCKS]], #{{.*}}], iterator_types = ["parallel", "parallel"]} ins(%{{.*}}, %{{.*}} : tensor<8x64xi8>, tensor<8x2xi8>)
  // CHECK: %[[T:.*]] = linalg.generic {{.*}} ins(%{{.*}} : tensor<64x5xi8>)
  // CHECK: %[[Y:.*]] = nanochat.matmul %[[DY]], %[[T]]
  // CHECK: linalg.generic {{.*}} ins(%[[Y]], %{{.*}} : tensor<8x5xf32>, tensor<f32>)
  %y = nanochat.block_matmul %q scaled %s : tensor<8x2xi8>, %t, %f block = 32 : tensor<8x64xi8>, tensor<64x5xi8>, tensor<f32>
  return %y : tensor<8x5xf32>
}
