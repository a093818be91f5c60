// RUN: nanochat-opt %s | nanochat-opt | FileCheck %s

// CHECK-LABEL: nanochat.model @tiny {
nanochat.model @tiny {
  // CHECK: nanochat.tokens batch = 2 seq = 8 accum = 3
  %tokens, %targets = nanochat.tokens batch = 2 seq = 8 accum = 3
  // CHECK: nanochat.param "embed" normal(2.000000e-02) role "embedding" : tensor<17x12xf32>
  %table = nanochat.param "embed" normal(0.02) role "embedding" : tensor<17x12xf32>
  // CHECK: nanochat.param "layers.w" normal(2.000000e-02) role "matrix" stack "layers" : tensor<2x12x12xf32>
  %stack = nanochat.param "layers.w" normal(0.02) role "matrix" stack "layers" : tensor<2x12x12xf32>
  %x = nanochat.embedding %tokens, %table : tensor<16xi32>, tensor<17x12xf32>
  // CHECK: nanochat.token_constant 1.000000e+00 like %{{.*}} : tensor<16x12xf32>
  %ones = nanochat.token_constant 1.0 like %x : tensor<16x12xf32>
  // CHECK: nanochat.token_values "reference" like %{{.*}} : tensor<16x12xf32>
  %reference = nanochat.token_values "reference" like %x : tensor<16x12xf32>
  // CHECK: nanochat.number 2.500000e-01 : tensor<f32>
  %number = nanochat.number 0.25 : tensor<f32>
  // CHECK: nanochat.numbers [1.000000e+00, 5.000000e-01] : tensor<2xf32>
  %numbers = nanochat.numbers [1.0, 0.5] : tensor<2xf32>
  %loss, %nll = nanochat.linear_cross_entropy %x, %table, %targets weights %ones : tensor<16x12xf32>, tensor<17x12xf32>, tensor<16xi32>, tensor<16xf32>
  // CHECK: nanochat.objective "train" %{{.*}} trains ["embedding"] : tensor<f32>
  nanochat.objective "train" %loss trains ["embedding"] : tensor<f32>
  // CHECK: nanochat.metric "nll" %{{.*}} : tensor<16xf32>
  nanochat.metric "nll" %nll : tensor<16xf32>
// CHECK: } update {
} update {
  // CHECK: nanochat.scalar "lr" = 1.000000e-01 : tensor<f32>
  %lr = nanochat.scalar "lr" = 0.1 : tensor<f32>
  // CHECK: nanochat.optimizer "sgd" for ["embedding", "matrix"] lr(%{{.*}}) weight_decay(%{{.*}}) : tensor<f32>, tensor<f32>
  nanochat.optimizer "sgd" for ["embedding", "matrix"] lr(%lr) weight_decay(%lr) : tensor<f32>, tensor<f32>
}
