// RUN: nanochat-opt %s | nanochat-opt | FileCheck %s

// CHECK-LABEL: @pieces
func.func @pieces(%x: tensor<64x32xf32>, %seed: tensor<2xi32>, %i: tensor<i32>, %t: tensor<32x4xi8>, %f: tensor<f32>)
    -> (tensor<64x4xf32>, tensor<32x32xf32>) {
  // CHECK: nanochat.draws site "wq.dx"
  %site = nanochat.draws site "wq.dx"
  // CHECK: %[[A:.*]] = nanochat.random_address %{{.*}}, %{{.*}}, %{{.*}} site "wq.dw"
  %a = nanochat.random_address %seed, %i, %i site "wq.dw"
  // CHECK: nanochat.hadamard %{{.*}} run = 16 : tensor<64x32xf32>
  %h = nanochat.hadamard %x run = 16 : tensor<64x32xf32>
  // CHECK: nanochat.tensor_scale %{{.*}} : tensor<64x32xf32>
  %s = nanochat.tensor_scale %h : tensor<64x32xf32>
  // CHECK: nanochat.quantize_fp4 mxfp4 %{{.*}} axis = 1 scale up draws %{{.*}} : tensor<64x32xf32>
  %q, %qs = nanochat.quantize_fp4 mxfp4 %x axis = 1 scale up draws %site : tensor<64x32xf32>
  // CHECK: nanochat.quantize_fp4 nvfp4 %{{.*}} axis = 0 tensor %{{.*}} : tensor<f32> draws %[[A]] : tensor<64x32xf32>
  %p, %ps = nanochat.quantize_fp4 nvfp4 %h axis = 0 tensor %s : tensor<f32> draws %a : tensor<64x32xf32>
  // CHECK: nanochat.block_matmul %{{.*}} scaled %{{.*}} : tensor<64x1xi8>, %{{.*}}, %{{.*}} block = 32 : tensor<64x32xi8>, tensor<32x4xi8>, tensor<f32>
  %y = nanochat.block_matmul %q scaled %qs : tensor<64x1xi8>, %t, %f block = 32 : tensor<64x32xi8>, tensor<32x4xi8>, tensor<f32>
  // CHECK: nanochat.block_matmul %{{.*}} trans_a scaled %{{.*}} : tensor<4x32xf8E4M3FN>, %{{.*}} scaled %{{.*}} block = 16 limit = 12 site "wq.dw" :
  %z = nanochat.block_matmul %p trans_a scaled %ps : tensor<4x32xf8E4M3FN>, %p scaled %ps : tensor<4x32xf8E4M3FN>, %f block = 16 limit = 12 site "wq.dw"
    : tensor<64x32xi8>, tensor<64x32xi8>, tensor<f32>
  // CHECK: nanochat.quantize_fp4 mxfp4 %{{.*}} axis = 0 run = 64 packed : tensor<64x32xf32>
  %c, %cs = nanochat.quantize_fp4 mxfp4 %x axis = 0 run = 64 packed : tensor<64x32xf32>
  // CHECK: nanochat.quantize_fp4 mxfp4 %{{.*}} axis = 0 panels : tensor<64x32xf32>
  %e, %es = nanochat.quantize_fp4 mxfp4 %x axis = 0 panels : tensor<64x32xf32>
  // CHECK: nanochat.pack_fp4 %{{.*}} axis = 0 : tensor<64x32xi8>
  %d = nanochat.pack_fp4 %p axis = 0 : tensor<64x32xi8>
  // CHECK: nanochat.fp4_matmul mxfp4 %{{.*}} scaled %{{.*}} : tensor<32x2xi8>, %{{.*}} : tensor<32x32xi8>, tensor<32x32xi8>
  %u = nanochat.fp4_matmul mxfp4 %c scaled %cs : tensor<32x2xi8>, %d : tensor<32x32xi8>, tensor<32x32xi8>
  return %y, %z : tensor<64x4xf32>, tensor<32x32xf32>
}

// CHECK-LABEL: @linears
func.func @linears(%x: tensor<64x4xf32>, %w: tensor<32x4xf32>) -> tensor<64x32xf32> {
  // CHECK: nanochat.ternary_linear %{{.*}} backward <dx = mxfp4, dw = nvfp4> site "wq"
  %a = nanochat.ternary_linear %x, %w backward <dx = mxfp4, dw = nvfp4> site "wq" : tensor<64x4xf32>, tensor<32x4xf32>
  // CHECK: backward <dx = mxfp4, dw = mxfp4, rounding = nearest, hadamard = 0, scale = up>
  %b = nanochat.ternary_linear %x, %w backward <dx = mxfp4, dw = mxfp4, rounding = nearest, hadamard = 0, scale = up> : tensor<64x4xf32>, tensor<32x4xf32>
  return %b : tensor<64x32xf32>
}

// CHECK-LABEL: @region
func.func @region(%x: tensor<64x32xf32>, %w: tensor<32x32xf32>) -> tensor<64x32xf32> {
  // CHECK: %[[Y:.*]] = nanochat.fp4_region format = nvfp4 gemms = [dw] rounding = nearest hadamard = 32 {
  // CHECK: nanochat.yield %{{.*}} : tensor<64x32xf32>
  %y = nanochat.fp4_region format = nvfp4 gemms = [dw] rounding = nearest hadamard = 32 {
    %a = nanochat.ternary_linear %x, %w : tensor<64x32xf32>, tensor<32x32xf32>
    nanochat.yield %a : tensor<64x32xf32>
  }
  // CHECK: nanochat.fp4_region format = mxfp4 scale = up {
  // CHECK: nanochat.ternary_linear %[[Y]]
  %z = nanochat.fp4_region format = mxfp4 gemms = [dx, dw] scale = up {
    %a = nanochat.ternary_linear %y, %w : tensor<64x32xf32>, tensor<32x32xf32>
    nanochat.yield %a : tensor<64x32xf32>
  }
  return %z : tensor<64x32xf32>
}

// CHECK-LABEL: @dense
func.func @dense(%x: tensor<64x32xf32>, %w: tensor<32x32xf32>) -> tensor<64x32xf32> {
  // CHECK: nanochat.fp4_region format = nvfp4 gemms = [dx, dw, y] dge = 3.000000e+00 clip = 2.000000e+00 occ = 0.98999999999999999 {
  %y = nanochat.fp4_region format = nvfp4 gemms = [y, dx, dw] dge = 3.0 clip = 2.0 occ = 0.99 {
    // CHECK: nanochat.linear %{{.*}}, %{{.*}} backward <dx = mxfp4, dw = f32> forward mxfp4 dge = 0.000000e+00 site "head" : tensor<64x32xf32>
    %a = nanochat.linear %x, %w backward <dx = mxfp4, dw = f32> forward mxfp4 dge = 0.0 site "head" : tensor<64x32xf32>, tensor<32x32xf32>
    // CHECK: nanochat.clamp_rows %{{.*}} from 1 to 30 : tensor<64x32xf32>
    %b = nanochat.clamp_rows %a from 1 to 30 : tensor<64x32xf32>
    nanochat.yield %b : tensor<64x32xf32>
  }
  return %y : tensor<64x32xf32>
}
