// Conversions to and from bf16 need neither an instruction nor a library, and round to nearest even.
// RUN: nanochat-opt %s --nanochat-expand-halves | FileCheck %s
// RUN: nanochat-opt %s --nanochat-check-numeric

#id = affine_map<(d0) -> (d0)>

// CHECK-LABEL: @ties_go_to_even
// CHECK-NOT: arith.truncf
// CHECK-NOT: arith.extf
// CHECK: return
func.func @ties_go_to_even() -> (tensor<6xf32>, tensor<6xf32>) {
  // 1 + 2^-8 and 1 + 3·2^-8 lie between two bf16; the last is one f32 above the first.
  %x = arith.constant dense<[1.00390625, 1.01171875, -1.00390625, 0.0, 0x7F800000, 1.00390637]> : tensor<6xf32>
  %expected = arith.constant dense<[1.0, 1.015625, -1.0, 0.0, 0x7F800000, 1.0078125]> : tensor<6xf32>
  %empty = tensor.empty() : tensor<6xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<6xf32>) outs(%empty : tensor<6xf32>) {
  ^bb0(%a: f32, %o: f32):
    %h = arith.truncf %a : f32 to bf16
    %w = arith.extf %h : bf16 to f32
    linalg.yield %w : f32
  } -> tensor<6xf32>
  return %y, %expected : tensor<6xf32>, tensor<6xf32>
}
