// RUN: nanochat-opt %s | nanochat-opt | FileCheck %s

// CHECK-LABEL: @draws
func.func @draws(%seed: tensor<2xi32>, %matrix: tensor<i32>, %step: tensor<i32>) -> tensor<20x6xf32> {
  // CHECK: %[[STREAM:.*]] = nanochat.random_stream %{{.*}} site "update.layers.q"
  %stream = nanochat.random_stream %seed site "update.layers.q"
  // CHECK: nanochat.random_signs %[[STREAM]], %{{.*}}, %{{.*}} {first = 7 : i64} : tensor<20x6xf32>
  %x = nanochat.random_signs %stream, %matrix, %step {first = 7} : tensor<20x6xf32>
  return %x : tensor<20x6xf32>
}
