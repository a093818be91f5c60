// RUN: nanochat-opt %s --nanochat-expand-ternary --nanochat-hoist-invariants --nanochat-pack-weights | FileCheck %s

// Layers are packed where they are ternarised, once; all steps read the panels, and nothing keeps the matrices.
// CHECK-LABEL: @layers_in_steps
// CHECK: %[[S:.*]]:2 = nanochat.loop "layers" = 3
// CHECK-NEXT: %[[T:.*]], %[[G:.*]] = nanochat.ternarize
// CHECK-NEXT: %[[P:.*]] = nanochat.pack_panels %[[T]] : tensor<16x16xi8>
// CHECK-NEXT: nanochat.yield stack %[[P]], %[[G]] : tensor<1x4x16x4xi8>, tensor<f32>
// CHECK: nanochat.loop "steps" = 4
// CHECK: nanochat.loop "layers" = 3
// CHECK-SAME: %[[PS:[^ ]*]] = %[[S]]#0 : tensor<3x1x4x16x4xi8>
// CHECK-NOT: pack_panels
// CHECK: nanochat.ternary_matmul %{{.*}}, %{{.*}}, %[[PS]], %{{.*}} : tensor<2x16xi8>, tensor<2xf32>, tensor<1x4x16x4xi8>, tensor<f32>
func.func @layers_in_steps(%x: tensor<2x16xf32>, %W: tensor<3x16x16xf32>) -> tensor<2x16xf32> {
  %y = nanochat.loop "steps" = 4 carry(%a = %x : tensor<2x16xf32>) {
    %b = nanochat.loop "layers" = 3 carry(%h = %a : tensor<2x16xf32>) slice(%w = %W : tensor<3x16x16xf32>) {
      %z = nanochat.ternary_linear %h, %w : tensor<2x16xf32>, tensor<16x16xf32>
      nanochat.yield %z : tensor<2x16xf32>
    }
    nanochat.yield %b : tensor<2x16xf32>
  }
  return %y : tensor<2x16xf32>
}

// CHECK-LABEL: @products_and_what_codes_stand_for_read_one_packed_copy
// CHECK: %[[T:.*]], %[[G:.*]] = nanochat.ternarize
// CHECK: %[[P:.*]] = nanochat.pack_panels %[[T]]
// CHECK: nanochat.ternary_matmul %{{.*}}, %{{.*}}, %[[P]], %[[G]]
// CHECK: nanochat.dequantize_weight %[[P]], %[[G]] : tensor<2x1x16x4xi8>, tensor<f32>
func.func @products_and_what_codes_stand_for_read_one_packed_copy(%x: tensor<2x4xf32>, %w: tensor<32x4xf32>)
    -> (tensor<2x32xf32>, tensor<32x4xf32>) {
  %q, %s = nanochat.quantize_rows %x : tensor<2x4xf32>
  %t, %g = nanochat.ternarize %w : tensor<32x4xf32>
  %y = nanochat.ternary_matmul %q, %s, %t, %g : tensor<2x4xi8>, tensor<2xf32>, tensor<32x4xi8>, tensor<f32>
  %v = nanochat.dequantize_weight %t, %g : tensor<32x4xi8>, tensor<f32>
  return %y, %v : tensor<2x32xf32>, tensor<32x4xf32>
}

// Sizes that do not fit, several scales, other readers: the matrix stays.
// CHECK-LABEL: @left_alone
// CHECK-NOT: pack_panels
// CHECK: return
func.func @left_alone(%x: tensor<2x8xf32>, %odd: tensor<20x8xf32>, %fits: tensor<16x8xf32>)
    -> (tensor<2x20xf32>, tensor<2x16xf32>, tensor<16x8xi8>) {
  %a = nanochat.ternary_linear %x, %odd : tensor<2x8xf32>, tensor<20x8xf32>
  %b = nanochat.ternary_linear %x, %fits {group = 4} : tensor<2x8xf32>, tensor<16x8xf32>
  %t, %g = nanochat.ternarize %fits : tensor<16x8xf32>
  return %a, %b, %t : tensor<2x20xf32>, tensor<2x16xf32>, tensor<16x8xi8>
}

// Four-bit codes that a product sums over by rows are quantised to panels, unless columns do not fit or something else reads them.
// CHECK-LABEL: @codes
// CHECK: nanochat.quantize_fp4 mxfp4 %{{.*}} axis = 0 : tensor<64x8xf32>
// CHECK: %[[P:.*]], %[[S:.*]] = nanochat.quantize_fp4 mxfp4 %{{.*}} axis = 0 run = 64 panels : tensor<64x32xf32>
// CHECK: nanochat.quantize_fp4 mxfp4 %{{.*}} axis = 0 : tensor<64x24xf32>
// CHECK: nanochat.block_matmul %{{.*}} trans_a scaled %{{.*}} : tensor<2x8xi8>, %[[P]] trans_b scaled %[[S]] : tensor<2x32xi8>, %{{.*}} block = 32 limit = 12 : tensor<64x8xi8>, tensor<2x16x16x4xi8>, tensor<f32>
func.func @codes(%dy: tensor<64x8xf32>, %x: tensor<64x32xf32>, %z: tensor<64x24xf32>, %f: tensor<f32>) -> (tensor<8x32xf32>, tensor<8x24xf32>) {
  %a, %as = nanochat.quantize_fp4 mxfp4 %dy axis = 0 : tensor<64x8xf32>
  %b, %bs = nanochat.quantize_fp4 mxfp4 %x axis = 0 run = 64 : tensor<64x32xf32>
  %c, %cs = nanochat.quantize_fp4 mxfp4 %z axis = 0 : tensor<64x24xf32>
  %y = nanochat.block_matmul %a trans_a scaled %as : tensor<2x8xi8>, %b scaled %bs : tensor<2x32xi8>, %f block = 32 limit = 12
    : tensor<64x8xi8>, tensor<64x32xi8>, tensor<f32>
  %w = nanochat.block_matmul %a trans_a scaled %as : tensor<2x8xi8>, %c scaled %cs : tensor<2x24xi8>, %f block = 32 limit = 12
    : tensor<64x8xi8>, tensor<64x24xi8>, tensor<f32>
  return %y, %w : tensor<8x32xf32>, tensor<8x24xf32>
}
