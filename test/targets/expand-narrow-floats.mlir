// Conversions to and from bf16 and floats of 8 bits need neither an instruction nor a library, and round to nearest even.
// RUN: nanochat-opt %s --nanochat-expand-narrow-floats | FileCheck %s
// RUN: nanochat-opt %s --nanochat-check-numeric
// RUN: %python %S/narrow_floats.py > %t.mlir
// RUN: nanochat-opt %t.mlir --nanochat-check-numeric
// RUN: nanochat-opt %t.mlir --nanochat-expand-narrow-floats | FileCheck %s --check-prefix=ALL
// ALL-NOT: arith.truncf
// ALL-NOT: arith.extf

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

// Denormal numbers, powers of two, the greatest, a negative zero and what is no number.
// CHECK-LABEL: @e4m3
// CHECK-NOT: arith.extf
// CHECK: return
func.func @e4m3() -> (tensor<9xf32>, tensor<9xf32>) attributes {nanochat.tolerance = 0.0 : f64} {
  %bits = arith.constant dense<[1, 7, 8, 56, 63, 126, -2, -128, 127]> : tensor<9xi8>
  %expected = arith.constant dense<[0.001953125, 0.013671875, 0.015625, 1.0, 1.875, 448.0, -448.0, 0.0, 1.0]> : tensor<9xf32>
  %empty = tensor.empty() : tensor<9xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%bits : tensor<9xi8>) outs(%empty : tensor<9xf32>) {
  ^bb0(%a: i8, %o: f32):
    %h = arith.bitcast %a : i8 to f8E4M3FN
    %w = arith.extf %h : f8E4M3FN to f32
    %one = arith.constant 1.0 : f32
    %isNan = arith.cmpf uno, %w, %w : f32
    %shown = arith.select %isNan, %one, %w : f32
    linalg.yield %shown : f32
  } -> tensor<9xf32>
  return %y, %expected : tensor<9xf32>, tensor<9xf32>
}

// From bf16 and to it: 1.125 lies half way between 1 and 1.25, of which E5M2 has the first; 0.001953125 is the least E4M3.
// CHECK-LABEL: @halves
// CHECK-NOT: arith.truncf
// CHECK-NOT: arith.extf
// CHECK: return
func.func @halves() -> (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) attributes {nanochat.tolerance = 0.0 : f64} {
  %x = arith.constant dense<[1.125, -0.001953125, 448.0]> : tensor<3xf32>
  %expected = arith.constant dense<[1.0, -0.001953125, 448.0]> : tensor<3xf32>
  %e4m3 = arith.constant dense<[1.125, -0.001953125, 448.0]> : tensor<3xf32>
  %empty = tensor.empty() : tensor<3xf32>
  %y:2 = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<3xf32>) outs(%empty, %empty : tensor<3xf32>, tensor<3xf32>) {
  ^bb0(%a: f32, %o: f32, %p: f32):
    %half = arith.truncf %a : f32 to bf16
    %narrow = arith.truncf %half : bf16 to f8E5M2
    %other = arith.truncf %half : bf16 to f8E4M3FN
    %back = arith.extf %narrow : f8E5M2 to bf16
    %same = arith.extf %other : f8E4M3FN to bf16
    %w = arith.extf %back : bf16 to f32
    %v = arith.extf %same : bf16 to f32
    linalg.yield %w, %v : f32, f32
  } -> (tensor<3xf32>, tensor<3xf32>)
  return %y#0, %expected, %y#1, %e4m3 : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>
}
