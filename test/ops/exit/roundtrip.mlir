// RUN: nanochat-opt %s | nanochat-opt | FileCheck %s

// CHECK-LABEL: func.func @exit
func.func @exit(%h: tensor<8x4xf32>, %w: tensor<4xf32>, %b: tensor<1xf32>, %log_s: tensor<8xf32>,
                %last: tensor<f32>, %nll: tensor<8xf32>) -> (tensor<f32>, tensor<f32>) {
  // CHECK: nanochat.last_step "n_loops" = 4 : tensor<4xf32>
  %mask = nanochat.last_step "n_loops" = 4 : tensor<4xf32>
  // CHECK: nanochat.gate %{{.*}}, %{{.*}}, %{{.*}} : tensor<8x4xf32>, tensor<4xf32>, tensor<1xf32>
  %z = nanochat.gate %h, %w, %b : tensor<8x4xf32>, tensor<4xf32>, tensor<1xf32>
  // CHECK: %{{.*}}, %{{.*}}, %{{.*}} = nanochat.exit_step %{{.*}}, %{{.*}}, %{{.*}} : tensor<8xf32>
  %p, %log_p, %next = nanochat.exit_step %z, %log_s, %last : tensor<8xf32>
  // CHECK: nanochat.entropy %{{.*}}, %{{.*}} : tensor<8xf32>
  %entropy = nanochat.entropy %p, %log_p : tensor<8xf32>
  // CHECK: nanochat.gate_loss %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} {gamma = 1.000000e-02 : f64} : tensor<8xf32>
  %loss = nanochat.gate_loss %z, %nll, %nll, %last {gamma = 0.01 : f64} : tensor<8xf32>
  return %entropy, %loss : tensor<f32>, tensor<f32>
}
