// RUN: nanochat-opt %s | nanochat-opt | FileCheck %s

// CHECK-LABEL: @functions_of_one_tensor
func.func @functions_of_one_tensor(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // CHECK: nanochat.sigmoid %{{.*}} : tensor<2x3xf32>
  %a = nanochat.sigmoid %x : tensor<2x3xf32>
  // CHECK: nanochat.silu %{{.*}} : tensor<2x3xf32>
  %b = nanochat.silu %a : tensor<2x3xf32>
  // CHECK: nanochat.relu2 %{{.*}} : tensor<2x3xf32>
  %c = nanochat.relu2 %b : tensor<2x3xf32>
  // CHECK: nanochat.gelu %{{.*}} : tensor<2x3xf32>
  %d = nanochat.gelu %c : tensor<2x3xf32>
  // CHECK: nanochat.gelu %{{.*}} {approximate = "none"} : tensor<2x3xf32>
  %e = nanochat.gelu %d {approximate = "none"} : tensor<2x3xf32>
  return %e : tensor<2x3xf32>
}

// CHECK-LABEL: @gated_units_of_any_rank
func.func @gated_units_of_any_rank(%gate: tensor<7xf64>, %up: tensor<7xf64>) -> tensor<7xf64> {
  // CHECK: nanochat.swiglu %{{.*}}, %{{.*}} : tensor<7xf64>
  %a = nanochat.swiglu %gate, %up : tensor<7xf64>
  // CHECK: nanochat.relu2_glu %{{.*}}, %{{.*}} : tensor<7xf64>
  %b = nanochat.relu2_glu %a, %up : tensor<7xf64>
  return %b : tensor<7xf64>
}
