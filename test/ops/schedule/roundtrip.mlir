// RUN: nanochat-opt %s | nanochat-opt | FileCheck %s

// CHECK-LABEL: func.func @schedules
func.func @schedules(%lr: tensor<f32>, %step: tensor<f32>, %steps: tensor<f32>) -> (tensor<f32>, tensor<f32>, tensor<f32>) {
  // CHECK: nanochat.wsd %{{.*}}, %{{.*}}, %{{.*}} warmup = 10 decay = 1.000000e-01 : tensor<f32>
  %wsd = nanochat.wsd %lr, %step, %steps {warmup = 10, decay = 0.1 : f64} : tensor<f32>
  // CHECK: nanochat.cosine %{{.*}}, %{{.*}}, %{{.*}} : tensor<f32>
  %cosine = nanochat.cosine %lr, %step, %steps : tensor<f32>
  // CHECK: nanochat.two_stage %{{.*}}, %{{.*}}, %{{.*}} second = 0.000000e+00 : tensor<f32>
  %two = nanochat.two_stage %lr, %step, %steps second = 0.0 : tensor<f32>
  return %wsd, %cosine, %two : tensor<f32>, tensor<f32>, tensor<f32>
}
