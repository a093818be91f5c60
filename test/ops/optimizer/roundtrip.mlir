// RUN: nanochat-opt %s | nanochat-opt | FileCheck %s

// CHECK-LABEL: func.func @updates
func.func @updates(%w: tensor<3x8x4xf32>, %g: tensor<3x8x4xf32>, %lr: tensor<f32>, %wd: tensor<f32>) {
  // CHECK: nanochat.grad_norm %{{.*}}, %{{.*}} : tensor<3x8x4xf32>, tensor<f32>
  %norm = nanochat.grad_norm %g, %lr : tensor<3x8x4xf32>, tensor<f32>
  // CHECK: nanochat.clip_scale %{{.*}} {max = 5.000000e-01 : f64} : tensor<f32>
  %factor = nanochat.clip_scale %norm {max = 0.5 : f64} : tensor<f32>
  // CHECK: nanochat.scale %{{.*}}, %{{.*}} : tensor<3x8x4xf32>, tensor<f32>
  %clipped = nanochat.scale %g, %factor : tensor<3x8x4xf32>, tensor<f32>
  // CHECK: nanochat.sgd %{{.*}}, %{{.*}} lr %{{.*}} weight_decay %{{.*}} :
  %0 = nanochat.sgd %w, %clipped lr %lr weight_decay %wd
    : tensor<3x8x4xf32>, tensor<3x8x4xf32>, tensor<f32>, tensor<f32>
  // CHECK: nanochat.adamw %{{.*}}, %{{.*}} lr %{{.*}} weight_decay %{{.*}} states %{{.*}} {beta2 = 5.000000e-01 : f64}
  %1:4 = nanochat.adamw %0, %g lr %lr weight_decay %wd
    states %g, %g, %lr : tensor<3x8x4xf32>, tensor<3x8x4xf32>, tensor<f32> {beta2 = 0.5 : f64}
    : tensor<3x8x4xf32>, tensor<3x8x4xf32>, tensor<f32>, tensor<f32>
  // CHECK: nanochat.muon %{{.*}}, %{{.*}} lr %{{.*}} weight_decay %{{.*}} states %{{.*}} {nesterov = false, ns_steps = 3 : i64}
  %2:2 = nanochat.muon %1#0, %g lr %lr weight_decay %wd
    states %g : tensor<3x8x4xf32> {nesterov = false, ns_steps = 3}
    : tensor<3x8x4xf32>, tensor<3x8x4xf32>, tensor<f32>, tensor<f32>
  return
}

// CHECK-LABEL: func.func @orthogonal
func.func @orthogonal(%g: tensor<8x4xf32>) -> tensor<8x4xf32> {
  // CHECK: nanochat.newton_schulz %{{.*}} {steps = 3 : i64} : tensor<8x4xf32>
  %o = nanochat.newton_schulz %g {steps = 3} : tensor<8x4xf32>
  return %o : tensor<8x4xf32>
}
