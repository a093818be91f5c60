// RUN: nanochat-opt %s | nanochat-opt | FileCheck %s

// CHECK-LABEL: @layers
func.func @layers(%x: tensor<2x4xf32>, %w: tensor<4x4xf32>) -> tensor<2x4xf32> {
  // CHECK: nanochat.ternary_linear %{{.*}}, %{{.*}} : tensor<2x4xf32>, tensor<4x4xf32>
  %a = nanochat.ternary_linear %x, %w : tensor<2x4xf32>, tensor<4x4xf32>
  // CHECK: nanochat.ternary_linear %{{.*}}, %{{.*}} group = 2 backward <dx = f32, dw = f32> : tensor<2x4xf32>, tensor<4x4xf32>
  %b = nanochat.ternary_linear %a, %w group = 2 backward <dx = f32, dw = f32> : tensor<2x4xf32>, tensor<4x4xf32>
  return %b : tensor<2x4xf32>
}

// CHECK-LABEL: @pieces
func.func @pieces(%x: tensor<2x4xf32>, %w: tensor<3x4xf32>) -> (tensor<2x3xf32>, tensor<2x4xf32>, tensor<3x4xf32>) {
  // CHECK: nanochat.quantize_rows %{{.*}} : tensor<2x4xf32>
  %q, %s = nanochat.quantize_rows %x : tensor<2x4xf32>
  // CHECK: nanochat.ternarize %{{.*}} : tensor<3x4xf32>
  %t, %gamma = nanochat.ternarize %w : tensor<3x4xf32>
  // CHECK: nanochat.ternarize %{{.*}} group 2 : tensor<3x4xf32>
  %tg, %gammas = nanochat.ternarize %w group 2 : tensor<3x4xf32>
  // CHECK: nanochat.ternary_matmul %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : tensor<2x4xi8>, tensor<2xf32>, tensor<3x4xi8>, tensor<f32>
  %y = nanochat.ternary_matmul %q, %s, %t, %gamma : tensor<2x4xi8>, tensor<2xf32>, tensor<3x4xi8>, tensor<f32>
  // CHECK: nanochat.dequantize_rows %{{.*}}, %{{.*}} : tensor<2x4xi8>, tensor<2xf32>
  %xq = nanochat.dequantize_rows %q, %s : tensor<2x4xi8>, tensor<2xf32>
  // CHECK: nanochat.dequantize_weight %{{.*}}, %{{.*}} : tensor<3x4xi8>, tensor<3x2xf32>
  %wq = nanochat.dequantize_weight %tg, %gammas : tensor<3x4xi8>, tensor<3x2xf32>
  return %y, %xq, %wq : tensor<2x3xf32>, tensor<2x4xf32>, tensor<3x4xf32>
}

// CHECK-LABEL: @at_each_use
func.func @at_each_use(%w: tensor<3x4xf32>) -> (tensor<3x4xi8>, tensor<3x4xi8>) {
  // CHECK: nanochat.ternary_scale %{{.*}} : tensor<3x4xf32>
  %gamma = nanochat.ternary_scale %w : tensor<3x4xf32>
  // CHECK: nanochat.ternarize_by %{{.*}} by %{{.*}} : tensor<3x4xf32>, tensor<f32>
  %t = nanochat.ternarize_by %w by %gamma : tensor<3x4xf32>, tensor<f32>
  // CHECK: nanochat.ternary_scale %{{.*}} group 2 : tensor<3x4xf32>
  %gammas = nanochat.ternary_scale %w group 2 : tensor<3x4xf32>
  // CHECK: nanochat.ternarize_by %{{.*}} by %{{.*}} : tensor<3x4xf32>, tensor<3x2xf32>
  %tg = nanochat.ternarize_by %w by %gammas : tensor<3x4xf32>, tensor<3x2xf32>
  return %t, %tg : tensor<3x4xi8>, tensor<3x4xi8>
}

// CHECK-LABEL: @panels
func.func @panels(%q: tensor<2x8xi8>, %s: tensor<2xf32>, %t: tensor<32x8xi8>, %gamma: tensor<f32>) -> (tensor<2x32xf32>, tensor<32x8xf32>) {
  // CHECK: nanochat.pack_panels %{{.*}} : tensor<32x8xi8>
  %p = nanochat.pack_panels %t : tensor<32x8xi8>
  // CHECK: nanochat.ternary_matmul {{.*}} : tensor<2x8xi8>, tensor<2xf32>, tensor<2x2x16x4xi8>, tensor<f32>
  %y = nanochat.ternary_matmul %q, %s, %p, %gamma : tensor<2x8xi8>, tensor<2xf32>, tensor<2x2x16x4xi8>, tensor<f32>
  // CHECK: nanochat.dequantize_weight %{{.*}}, %{{.*}} : tensor<2x2x16x4xi8>, tensor<f32>
  %w = nanochat.dequantize_weight %p, %gamma : tensor<2x2x16x4xi8>, tensor<f32>
  return %y, %w : tensor<2x32xf32>, tensor<32x8xf32>
}

// CHECK-LABEL: @integer_gradients
func.func @integer_gradients(%dy: tensor<2x3xf32>, %q: tensor<2x4xi8>, %s: tensor<2xf32>, %t: tensor<3x4xi8>, %gamma: tensor<f32>)
    -> (tensor<2x4xf32>, tensor<3x4xf32>) {
  // CHECK: nanochat.ternary_input_grad %{{.*}}, %{{.*}}, %{{.*}} : tensor<2x3xf32>, tensor<3x4xi8>, tensor<f32>
  %dx = nanochat.ternary_input_grad %dy, %t, %gamma : tensor<2x3xf32>, tensor<3x4xi8>, tensor<f32>
  // CHECK: nanochat.ternary_weight_grad %{{.*}}, %{{.*}}, %{{.*}} : tensor<2x3xf32>, tensor<2x4xi8>, tensor<2xf32>
  %dw = nanochat.ternary_weight_grad %dy, %q, %s : tensor<2x3xf32>, tensor<2x4xi8>, tensor<2xf32>
  // CHECK: nanochat.ternary_input_grad %{{.*}} format int8 :
  %dx8 = nanochat.ternary_input_grad %dy, %t, %gamma format int8 : tensor<2x3xf32>, tensor<3x4xi8>, tensor<f32>
  // CHECK: nanochat.ternary_weight_grad %{{.*}} format int8 :
  %dw8 = nanochat.ternary_weight_grad %dy, %q, %s format int8 : tensor<2x3xf32>, tensor<2x4xi8>, tensor<2xf32>
  %draws = arith.constant dense<0> : tensor<5xi32>
  // CHECK: nanochat.ternary_input_grad %{{.*}} format int8 draws %[[DRAWS:.*]] :
  %dxc = nanochat.ternary_input_grad %dy, %t, %gamma format int8 draws %draws : tensor<2x3xf32>, tensor<3x4xi8>, tensor<f32>
  // CHECK: nanochat.ternary_weight_grad %{{.*}} format int8 draws %[[DRAWS]] :
  %dwc = nanochat.ternary_weight_grad %dy, %q, %s format int8 draws %draws : tensor<2x3xf32>, tensor<2x4xi8>, tensor<2xf32>
  // CHECK: nanochat.quantize_stochastic %{{.*}} axis = 1 draws %[[DRAWS]] : tensor<2x3xf32>
  %rows:2 = nanochat.quantize_stochastic %dy axis = 1 draws %draws : tensor<2x3xf32>
  // CHECK: nanochat.quantize_stochastic %{{.*}} scaled %{{.*}} : tensor<2xf32> axis = 0 limit = 63 draws %[[DRAWS]] : tensor<2x3xf32>
  %columns:2 = nanochat.quantize_stochastic %dy scaled %s : tensor<2xf32> axis = 0 limit = 63 draws %draws : tensor<2x3xf32>
  return %dx, %dw : tensor<2x4xf32>, tensor<3x4xf32>
}
