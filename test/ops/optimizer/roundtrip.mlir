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
  // CHECK: nanochat.lion %{{.*}}, %{{.*}} lr %{{.*}} weight_decay %{{.*}} states %{{.*}} {beta1 = 5.000000e-01 : f64}
  %3:2 = nanochat.lion %1#0, %g lr %lr weight_decay %wd states %g : tensor<3x8x4xf32> {beta1 = 0.5 : f64}
    : tensor<3x8x4xf32>, tensor<3x8x4xf32>, tensor<f32>, tensor<f32>
  return
}

// CHECK-LABEL: func.func @small_states
func.func @small_states(%w: tensor<3x8x4xf32>, %g: tensor<3x8x4xf32>, %q: tensor<3x32xi8>, %s: tensor<3xf32>, %lr: tensor<f32>,
    %folded: tensor<3x8x2xf32>, %r: tensor<3x8x2xf32>, %p: tensor<3x4x2xf32>) {
  // CHECK: nanochat.adamw8 %{{.*}}, %{{.*}} lr %{{.*}} weight_decay %{{.*}} states %{{.*}} {block = 32 : i64}
  %0:6 = nanochat.adamw8 %w, %g lr %lr weight_decay %lr states %q, %s, %q, %s, %lr
    : tensor<3x32xi8>, tensor<3xf32>, tensor<3x32xi8>, tensor<3xf32>, tensor<f32> {block = 32}
    : tensor<3x8x4xf32>, tensor<3x8x4xf32>, tensor<f32>, tensor<f32>
  // CHECK: nanochat.muon8 %{{.*}}, %{{.*}} lr %{{.*}} weight_decay %{{.*}} states %{{.*}} {block = 32 : i64}
  %1:3 = nanochat.muon8 %w, %g lr %lr weight_decay %lr states %q, %s : tensor<3x32xi8>, tensor<3xf32> {block = 32}
    : tensor<3x8x4xf32>, tensor<3x8x4xf32>, tensor<f32>, tensor<f32>
  // CHECK: nanochat.foam %{{.*}}, %{{.*}} lr %{{.*}} weight_decay %{{.*}} states %{{.*}} {level = 1 : i64}
  %2:4 = nanochat.foam %w, %g lr %lr weight_decay %lr states %folded, %folded, %lr
    : tensor<3x8x2xf32>, tensor<3x8x2xf32>, tensor<f32> {level = 1}
    : tensor<3x8x4xf32>, tensor<3x8x4xf32>, tensor<f32>, tensor<f32>
  // CHECK: nanochat.galore %{{.*}}, %{{.*}} lr %{{.*}} weight_decay %{{.*}} states %{{.*}} {rank = 2 : i64}
  %3:5 = nanochat.galore %w, %r lr %lr weight_decay %lr states %p, %r, %r, %lr
    : tensor<3x4x2xf32>, tensor<3x8x2xf32>, tensor<3x8x2xf32>, tensor<f32> {rank = 2}
    : tensor<3x8x4xf32>, tensor<3x8x2xf32>, tensor<f32>, tensor<f32>
  return
}

// CHECK-LABEL: func.func @bases
func.func @bases(%w: tensor<3x8x4xf32>, %l: tensor<3x8x8xf32>, %r: tensor<3x4x4xf32>, %p: tensor<3x4x2xf32>, %s: tensor<3xi32>, %lr: tensor<f32>) {
  // CHECK: nanochat.soap %{{.*}}, %{{.*}} lr %{{.*}} weight_decay %{{.*}} states %{{.*}} {period = 5 : i64}
  %0:8 = nanochat.soap %w, %w lr %lr weight_decay %lr states %l, %l, %r, %r, %w, %w, %lr : tensor<3x8x8xf32>, tensor<3x8x8xf32>,
    tensor<3x4x4xf32>, tensor<3x4x4xf32>, tensor<3x8x4xf32>, tensor<3x8x4xf32>, tensor<f32> {period = 5}
    : tensor<3x8x4xf32>, tensor<3x8x4xf32>, tensor<f32>, tensor<f32>
  // CHECK: nanochat.gum %{{.*}}, %{{.*}} lr %{{.*}} weight_decay %{{.*}} stream %{{.*}} states %{{.*}} {rank = 2 : i64}
  %1:4 = nanochat.gum %w, %w lr %lr weight_decay %lr stream %s states %p, %w, %lr : tensor<3x4x2xf32>, tensor<3x8x4xf32>, tensor<f32> {rank = 2}
    : tensor<3x8x4xf32>, tensor<3x8x4xf32>, tensor<f32>, tensor<f32>
  return
}

// CHECK-LABEL: func.func @orthogonal
func.func @orthogonal(%g: tensor<8x4xf32>) -> tensor<8x4xf32> {
  // CHECK: nanochat.newton_schulz %{{.*}} {steps = 3 : i64} : tensor<8x4xf32>
  %o = nanochat.newton_schulz %g {steps = 3} : tensor<8x4xf32>
  return %o : tensor<8x4xf32>
}
