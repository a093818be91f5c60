// RUN: nanochat-opt %s | nanochat-opt | FileCheck %s

// CHECK-LABEL: @norms
func.func @norms(%x: tensor<2x4xf32>, %gain: tensor<4xf32>, %bias: tensor<4xf32>) -> tensor<2x4xf32> {
  // CHECK: nanochat.rms_norm %{{.*}}, %{{.*}} : tensor<2x4xf32>, tensor<4xf32>
  %a = nanochat.rms_norm %x, %gain : tensor<2x4xf32>, tensor<4xf32>
  // CHECK: nanochat.rms_norm %{{.*}}, %{{.*}} eps 1.000000e-03 : tensor<2x4xf32>, tensor<4xf32>
  %b = nanochat.rms_norm %a, %gain eps 1.0e-3 : tensor<2x4xf32>, tensor<4xf32>
  // CHECK: nanochat.layer_norm %{{.*}}, %{{.*}}, %{{.*}} : tensor<2x4xf32>, tensor<4xf32>, tensor<4xf32>
  %c = nanochat.layer_norm %b, %gain, %bias : tensor<2x4xf32>, tensor<4xf32>, tensor<4xf32>
  // CHECK: nanochat.layer_norm %{{.*}}, %{{.*}}, %{{.*}} eps 1.000000e-03 :
  %d = nanochat.layer_norm %c, %gain, %bias eps 1.0e-3 : tensor<2x4xf32>, tensor<4xf32>, tensor<4xf32>
  return %d : tensor<2x4xf32>
}

// CHECK-LABEL: @gradients
func.func @gradients(%x: tensor<2x4xf32>, %gain: tensor<4xf32>, %dy: tensor<2x4xf32>) -> tensor<4xf32> {
  // CHECK: nanochat.rms_norm_grad %{{.*}}, %{{.*}}, %{{.*}} eps {{.*}} : tensor<2x4xf32>, tensor<4xf32>, tensor<2x4xf32>
  %a:2 = nanochat.rms_norm_grad %x, %gain, %dy eps 1.0e-6 : tensor<2x4xf32>, tensor<4xf32>, tensor<2x4xf32>
  // CHECK: nanochat.layer_norm_grad %{{.*}}, %{{.*}}, %{{.*}} eps 1.000000e-05 : tensor<2x4xf32>, tensor<4xf32>, tensor<2x4xf32>
  %b:3 = nanochat.layer_norm_grad %a#0, %gain, %dy eps 1.0e-5 : tensor<2x4xf32>, tensor<4xf32>, tensor<2x4xf32>
  return %b#2 : tensor<4xf32>
}
