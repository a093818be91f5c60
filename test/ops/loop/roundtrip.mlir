// RUN: nanochat-opt %s | nanochat-opt | FileCheck %s

// CHECK-LABEL: func.func @loops
func.func @loops(%x: tensor<4xf32>, %stack: tensor<3x4xf32>) -> (tensor<4xf32>, tensor<3x4xf32>) {
  // CHECK: nanochat.loop "layers" = 3 carry(%{{.*}} = %{{.*}} : tensor<4xf32>) slice(%{{.*}} = %{{.*}} : tensor<3x4xf32>) recompute(body) reverse {
  // CHECK:   nanochat.yield %{{.*}} : tensor<4xf32> stack %{{.*}} : tensor<4xf32>
  %y, %all = nanochat.loop "layers" = 3 carry(%c = %x : tensor<4xf32>) slice(%s = %stack : tensor<3x4xf32>) recompute(body) reverse {
    %z = arith.addf %c, %s : tensor<4xf32>
    nanochat.yield %z : tensor<4xf32> stack %c : tensor<4xf32>
  }
  // CHECK: nanochat.loop "chunks" = 3 slice(%{{.*}} = %{{.*}} : tensor<3x4xf32>) {
  // CHECK:   nanochat.yield stack %{{.*}} : tensor<4xf32>
  %only = nanochat.loop "chunks" = 3 slice(%s = %all : tensor<3x4xf32>) {
    nanochat.yield stack %s : tensor<4xf32>
  }
  // CHECK: nanochat.loop "some" = 2 from 1 slice(%{{.*}} = %{{.*}} : tensor<3x4xf32>) reverse {
  %some = nanochat.loop "some" = 2 from 1 slice(%s = %all : tensor<3x4xf32>) reverse {
    nanochat.yield stack %s : tensor<4xf32>
  }
  return %y, %only : tensor<4xf32>, tensor<3x4xf32>
}
