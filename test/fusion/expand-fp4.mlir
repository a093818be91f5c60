// Products of scaled blocks for GPUs: of the numbers that codes stand for or, where tensor cores have them, of packed codes.
// RUN: nanochat-opt %s --nanochat-set-target=target=sm_90 --nanochat-expand-fp4 --canonicalize | FileCheck %s
// RUN: nanochat-opt %s --nanochat-set-target=target=sm_120 --nanochat-expand-fp4 --canonicalize | FileCheck %s --check-prefix=NATIVE

// CHECK-DAG: #[[BLOCKS:.*]] = affine_map<(d0, d1) -> (d0, d1 floordiv 32)>
// CHECK-LABEL: @input_gradient
// NATIVE-LABEL: @input_gradient
func.func @input_gradient(%dy: tensor<8x64xf32>, %t: tensor<64x5xi8>, %f: tensor<f32>) -> tensor<8x5xf32> {
  // CHECK: %[[Q:.*]], %[[S:.*]] = nanochat.quantize_fp4 mxfp4 %{{.*}} axis = 1 : tensor<8x64xf32>
  // CHECK: %[[DY:.*]] = linalg.generic {indexing_maps = [#{{.*}}, #[[BLOCKS]], #{{.*}}], iterator_types = ["parallel", "parallel"]} ins(%[[Q]], %[[S]] : tensor<8x64xi8>, tensor<8x2xi8>)
  // CHECK: %[[T:.*]] = linalg.generic {{.*}} ins(%{{.*}} : tensor<64x5xi8>)
  // CHECK: %[[Y:.*]] = nanochat.matmul %[[DY]], %[[T]]
  // CHECK: linalg.generic {{.*}} ins(%[[Y]], %{{.*}} : tensor<8x5xf32>, tensor<f32>)
  // NATIVE-NOT: axis = 1 :
  // NATIVE: %[[Q:.*]], %[[S:.*]] = nanochat.quantize_fp4 mxfp4 %{{.*}} axis = 1 packed
  // NATIVE: %[[T:.*]] = nanochat.pack_fp4 %{{.*}} axis = 0 : tensor<64x5xi8>
  // NATIVE: nanochat.fp4_matmul mxfp4 %[[Q]] scaled %[[S]] : tensor<8x2xi8>, %[[T]] : tensor<8x32xi8>, tensor<5x32xi8>
  %q, %s = nanochat.quantize_fp4 mxfp4 %dy axis = 1 : tensor<8x64xf32>
  %y = nanochat.block_matmul %q scaled %s : tensor<8x2xi8>, %t, %f block = 32 limit = 12 : tensor<8x64xi8>, tensor<64x5xi8>, tensor<f32>
  return %y : tensor<8x5xf32>
}

// Both factors are of quantisers.
// NATIVE-LABEL: @weight_gradient
func.func @weight_gradient(%dy: tensor<64x8xf32>, %x: tensor<64x5xf32>, %s: tensor<f32>, %f: tensor<f32>) -> tensor<8x5xf32> {
  // NATIVE: nanochat.fp4_matmul nvfp4 %{{.*}} scaled %{{.*}} : tensor<8x4xf8E4M3FN>, %{{.*}} scaled %{{.*}} : tensor<5x4xf8E4M3FN> : tensor<8x32xi8>, tensor<5x32xi8>
  %p, %ps = nanochat.quantize_fp4 nvfp4 %dy axis = 0 tensor %s : tensor<f32> : tensor<64x8xf32>
  %q, %qs = nanochat.quantize_fp4 nvfp4 %x axis = 0 tensor %s : tensor<f32> : tensor<64x5xf32>
  %y = nanochat.block_matmul %p trans_a scaled %ps : tensor<4x8xf8E4M3FN>, %q scaled %qs : tensor<4x5xf8E4M3FN>, %f block = 16 limit = 12
    : tensor<64x8xi8>, tensor<64x5xi8>, tensor<f32>
  return %y : tensor<8x5xf32>
}

// Rows of 24 bytes are no whole copies of 16.
// NATIVE-LABEL: @odd
func.func @odd(%dy: tensor<8x48xf32>, %t: tensor<48x5xi8>, %s: tensor<f32>, %f: tensor<f32>) -> tensor<8x5xf32> {
  // NATIVE: nanochat.matmul
  %q, %qs = nanochat.quantize_fp4 nvfp4 %dy axis = 1 tensor %s : tensor<f32> : tensor<8x48xf32>
  %y = nanochat.block_matmul %q scaled %qs : tensor<8x3xf8E4M3FN>, %t, %f block = 16 limit = 12 : tensor<8x48xi8>, tensor<48x5xi8>, tensor<f32>
  return %y : tensor<8x5xf32>
}

// A linear whose own product is of four-bit floats is one of both.
// NATIVE-LABEL: @linear
func.func @linear(%x: tensor<8x64xf32>, %w: tensor<32x64xf32>) -> tensor<8x32xf32> {
  // NATIVE: %[[X:.*]], %{{.*}} = nanochat.quantize_fp4 mxfp4 %{{.*}} axis = 1 scale up packed
  // NATIVE: %[[W:.*]], %{{.*}} = nanochat.quantize_fp4 mxfp4 %{{.*}} axis = 1 scale up packed
  // NATIVE: nanochat.fp4_matmul mxfp4 %[[X]] scaled {{.*}} %[[W]] scaled
  %y = nanochat.linear %x, %w forward mxfp4 occ = 0.0 : tensor<8x64xf32>, tensor<32x64xf32>
  return %y : tensor<8x32xf32>
}

// Bytes that may be no codes, and codes without the scales that they were made with, are numbers.
// NATIVE-LABEL: @bytes
// NATIVE-NOT: fp4_matmul
func.func @bytes(%dy: tensor<8x64xf32>, %t: tensor<64x5xi8>, %f: tensor<f32>) -> (tensor<8x5xf32>, tensor<8x8xf32>) {
  %q, %s = nanochat.quantize_fp4 mxfp4 %dy axis = 1 : tensor<8x64xf32>
  %y = nanochat.block_matmul %q scaled %s : tensor<8x2xi8>, %t, %f block = 32 : tensor<8x64xi8>, tensor<64x5xi8>, tensor<f32>
  %z = nanochat.block_matmul %q scaled %s : tensor<8x2xi8>, %q trans_b, %f block = 32 limit = 12 : tensor<8x64xi8>, tensor<8x64xi8>, tensor<f32>
  return %y, %z : tensor<8x5xf32>, tensor<8x8xf32>
}
