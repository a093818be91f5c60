// RUN: nanochat-opt %s | nanochat-opt | FileCheck %s

func.func private @kernel(tensor<4xf32>) -> tensor<4xf32>

// CHECK-LABEL: func.func @dispatches
func.func @dispatches(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: nanochat.dispatch pointwise ins(%{{.*}} = %{{.*}} : tensor<4xf32>) inplace [0] -> (tensor<4xf32>) {
  // CHECK:   nanochat.yield %{{.*}} : tensor<4xf32>
  %y = nanochat.dispatch pointwise ins(%a = %x : tensor<4xf32>) inplace [0] -> (tensor<4xf32>) {
    %b = arith.addf %a, %a : tensor<4xf32>
    nanochat.yield %b : tensor<4xf32>
  }
  // CHECK: nanochat.dispatch gemm @kernel ins(%{{.*}} : tensor<4xf32>) -> (tensor<4xf32>)
  %z = nanochat.dispatch gemm @kernel ins(%y : tensor<4xf32>) -> (tensor<4xf32>)
  return %z : tensor<4xf32>
}
