// Emitters against the reference at sizes that fit no vector. Rows add up in the same order: the same bits.
// REQUIRES: avx2
// RUN: nanochat-opt %s --nanochat-check-kernels="tolerance=0 target=x86-64-v3 summary" | FileCheck %s
// CHECK: 10 kernels

#rows = affine_map<(n, c) -> (n, c)>
#row = affine_map<(n, c) -> (n)>
#mk = affine_map<(m, n, k) -> (m, k)>
#nk = affine_map<(m, n, k) -> (n, k)>
#mn = affine_map<(m, n, k) -> (m, n)>
#panels = affine_map<(m, n, k) -> (n floordiv 16, k floordiv 4, n mod 16, k mod 4)>
#outputs = affine_map<(m, n, k) -> (k floordiv 16, n floordiv 4, k mod 16, n mod 4)>
#km = affine_map<(m, n, k) -> (k, m)>
#kn = affine_map<(m, n, k) -> (k, n)>
#matrix = affine_map<(n, k) -> (n floordiv 16, k floordiv 4, n mod 16, k mod 4)>

func.func private @norm(%x: tensor<7x37xf32>) -> (tensor<7x37xf32>, tensor<7xf32>)
    attributes {nanochat.kernel = #nanochat.kernel<rowwise, inplace = [-1, -1]>} {
  %zero = arith.constant 0.0 : f32
  %sums = tensor.empty() : tensor<7xf32>
  %start = linalg.fill ins(%zero : f32) outs(%sums : tensor<7xf32>) -> tensor<7xf32>
  %squares = linalg.generic {indexing_maps = [#rows, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<7x37xf32>) outs(%start : tensor<7xf32>) {
  ^bb0(%a: f32, %s: f32):
    %p = arith.mulf %a, %a : f32
    %t = arith.addf %s, %p : f32
    linalg.yield %t : f32
  } -> tensor<7xf32>
  %empty = tensor.empty() : tensor<7x37xf32>
  %y = linalg.generic {indexing_maps = [#rows, #row, #rows], iterator_types = ["parallel", "parallel"]}
      ins(%x, %squares : tensor<7x37xf32>, tensor<7xf32>) outs(%empty : tensor<7x37xf32>) {
  ^bb0(%a: f32, %s: f32, %o: f32):
    %r = math.rsqrt %s : f32
    %v = arith.mulf %a, %r : f32
    linalg.yield %v : f32
  } -> tensor<7x37xf32>
  return %y, %squares : tensor<7x37xf32>, tensor<7xf32>
}

func.func private @codes(%x: tensor<7x53xi8>, %w: tensor<19x53xi8>) -> tensor<7x19xi32>
    attributes {nanochat.kernel = #nanochat.kernel<gemm, inplace = [-1]>} {
  %zero = arith.constant 0 : i32
  %empty = tensor.empty() : tensor<7x19xi32>
  %start = linalg.fill ins(%zero : i32) outs(%empty : tensor<7x19xi32>) -> tensor<7x19xi32>
  %y = linalg.generic {indexing_maps = [#mk, #nk, #mn], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<7x53xi8>, tensor<19x53xi8>) outs(%start : tensor<7x19xi32>) {
  ^bb0(%a: i8, %b: i8, %s: i32):
    %ae = arith.extsi %a : i8 to i32
    %be = arith.extsi %b : i8 to i32
    %p = arith.muli %ae, %be : i32
    %t = arith.addi %s, %p : i32
    linalg.yield %t : i32
  } -> tensor<7x19xi32>
  return %y : tensor<7x19xi32>
}

// 21 words of each row: one square and five that are left.
func.func private @pack(%t: tensor<48x84xi8>) -> tensor<3x21x16x4xi8>
    attributes {nanochat.kernel = #nanochat.kernel<pointwise, inplace = [-1]>} {
  %p = nanochat.pack_panels %t : tensor<48x84xi8>
  return %p : tensor<3x21x16x4xi8>
}

// Panels of 48 columns and one of 32; more words than fit one pass.
func.func private @packed(%x: tensor<7x4164xi8>, %p: tensor<5x1041x16x4xi8> {nanochat.range = [0, 2]}) -> tensor<7x80xi32>
    attributes {nanochat.kernel = #nanochat.kernel<gemm, inplace = [-1]>} {
  %zero = arith.constant 0 : i32
  %empty = tensor.empty() : tensor<7x80xi32>
  %start = linalg.fill ins(%zero : i32) outs(%empty : tensor<7x80xi32>) -> tensor<7x80xi32>
  %y = linalg.generic {indexing_maps = [#mk, #panels, #mn], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %p : tensor<7x4164xi8>, tensor<5x1041x16x4xi8>) outs(%start : tensor<7x80xi32>) {
  ^bb0(%a: i8, %b: i8, %s: i32):
    %one = arith.constant 1 : i32
    %ae = arith.extsi %a : i8 to i32
    %be = arith.extui %b : i8 to i32
    %code = arith.subi %be, %one : i32
    %m = arith.muli %ae, %code : i32
    %t = arith.addi %s, %m : i32
    linalg.yield %t : i32
  } -> tensor<7x80xi32>
  return %y : tensor<7x80xi32>
}

// What codes stand for, 20 inputs of 32 outputs: read along the inputs.
func.func private @dequantized(%p: tensor<2x5x16x4xi8>, %gamma: tensor<f32>) -> tensor<32x20xf32>
    attributes {nanochat.kernel = #nanochat.kernel<pointwise, inplace = [-1]>} {
  %empty = tensor.empty() : tensor<32x20xf32>
  %w = linalg.generic {indexing_maps = [#matrix, affine_map<(n, k) -> ()>, affine_map<(n, k) -> (n, k)>],
                       iterator_types = ["parallel", "parallel"]}
      ins(%p, %gamma : tensor<2x5x16x4xi8>, tensor<f32>) outs(%empty : tensor<32x20xf32>) {
  ^bb0(%b: i8, %g: f32, %o: f32):
    %one = arith.constant 1 : i32
    %be = arith.extui %b : i8 to i32
    %code = arith.subi %be, %one : i32
    %f = arith.sitofp %code : i32 to f32
    %v = arith.mulf %f, %g : f32
    linalg.yield %v : f32
  } -> tensor<32x20xf32>
  return %w : tensor<32x20xf32>
}

// Tasks of two rows and one of one; tokens repeat, for there are more of them than rows.
func.func private @table(%tokens: tensor<300xi32> {nanochat.bound = 129}, %dy: tensor<300x37xf32>) -> tensor<129x37xf32>
    attributes {nanochat.kernel = #nanochat.kernel<rowwise, inplace = [-1]>} {
  %dt = nanochat.embedding_grad %tokens, %dy : tensor<300xi32>, tensor<300x37xf32> -> tensor<129x37xf32>
  return %dt : tensor<129x37xf32>
}

// 16-bit codes as they are, and outputs of panels.
func.func private @input_grad(%x: tensor<7x80xi16> {nanochat.range = [-32767, 32767]}, %w: tensor<5x5x16x4xi8>) -> tensor<7x20xi32>
    attributes {nanochat.kernel = #nanochat.kernel<gemm, inplace = [-1]>} {
  %zero = arith.constant 0 : i32
  %empty = tensor.empty() : tensor<7x20xi32>
  %start = linalg.fill ins(%zero : i32) outs(%empty : tensor<7x20xi32>) -> tensor<7x20xi32>
  %y = linalg.generic {indexing_maps = [#mk, #outputs, #mn], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<7x80xi16>, tensor<5x5x16x4xi8>) outs(%start : tensor<7x20xi32>) {
  ^bb0(%a: i16, %b: i8, %s: i32):
    %ae = arith.extsi %a : i16 to i32
    %one = arith.constant 1 : i32
    %bu = arith.extui %b : i8 to i32
    %be = arith.subi %bu, %one : i32
    %m = arith.muli %ae, %be : i32
    %t = arith.addi %s, %m : i32
    linalg.yield %t : i32
  } -> tensor<7x20xi32>
  return %y : tensor<7x20xi32>
}

// An odd number of terms.
func.func private @odd_input_grad(%x: tensor<7x53xi16> {nanochat.range = [-32767, 32767]}, %w: tensor<53x19xi8>) -> tensor<7x19xi32>
    attributes {nanochat.kernel = #nanochat.kernel<gemm, inplace = [-1]>} {
  %zero = arith.constant 0 : i32
  %empty = tensor.empty() : tensor<7x19xi32>
  %start = linalg.fill ins(%zero : i32) outs(%empty : tensor<7x19xi32>) -> tensor<7x19xi32>
  %y = linalg.generic {indexing_maps = [#mk, #kn, #mn], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<7x53xi16>, tensor<53x19xi8>) outs(%start : tensor<7x19xi32>) {
  ^bb0(%a: i16, %b: i8, %s: i32):
    %ae = arith.extsi %a : i16 to i32
    %be = arith.extsi %b : i8 to i32
    %m = arith.muli %ae, %be : i32
    %t = arith.addi %s, %m : i32
    linalg.yield %t : i32
  } -> tensor<7x19xi32>
  return %y : tensor<7x19xi32>
}

// Both factors across; more terms than fit one pass of some rows.
func.func private @weight_grad(%x: tensor<1061x7xi16> {nanochat.range = [-32767, 32767]}, %w: tensor<1061x59xi8>) -> tensor<7x59xi32>
    attributes {nanochat.kernel = #nanochat.kernel<gemm, inplace = [-1]>} {
  %zero = arith.constant 0 : i32
  %empty = tensor.empty() : tensor<7x59xi32>
  %start = linalg.fill ins(%zero : i32) outs(%empty : tensor<7x59xi32>) -> tensor<7x59xi32>
  %y = linalg.generic {indexing_maps = [#km, #kn, #mn], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<1061x7xi16>, tensor<1061x59xi8>) outs(%start : tensor<7x59xi32>) {
  ^bb0(%a: i16, %b: i8, %s: i32):
    %ae = arith.extsi %a : i16 to i32
    %be = arith.extsi %b : i8 to i32
    %m = arith.muli %ae, %be : i32
    %t = arith.addi %s, %m : i32
    linalg.yield %t : i32
  } -> tensor<7x59xi32>
  return %y : tensor<7x59xi32>
}

// A result takes the place of an argument that is read after it.
func.func private @overwritten(%x: tensor<70x100xf32>) -> (tensor<70x100xf32>, tensor<70x100xf32>)
    attributes {nanochat.kernel = #nanochat.kernel<rowwise, inplace = [0, -1]>} {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<70x100xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(n, c) -> (n, c)>, affine_map<(n, c) -> (n, c)>],
                       iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<70x100xf32>) outs(%empty : tensor<70x100xf32>) {
  ^bb0(%a: f32, %o: f32):
    %e = arith.addf %a, %a : f32
    linalg.yield %e : f32
  } -> tensor<70x100xf32>
  %sums = tensor.empty() : tensor<70xf32>
  %start = linalg.fill ins(%zero : f32) outs(%sums : tensor<70xf32>) -> tensor<70xf32>
  %sum = linalg.generic {indexing_maps = [affine_map<(n, c) -> (n, c)>, affine_map<(n, c) -> (n, c)>, affine_map<(n, c) -> (n)>],
                         iterator_types = ["parallel", "reduction"]}
      ins(%x, %y : tensor<70x100xf32>, tensor<70x100xf32>) outs(%start : tensor<70xf32>) {
  ^bb0(%a: f32, %b: f32, %s: f32):
    %p = arith.mulf %a, %b : f32
    %t = arith.addf %s, %p : f32
    linalg.yield %t : f32
  } -> tensor<70xf32>
  %z = linalg.generic {indexing_maps = [affine_map<(n, c) -> (n, c)>, affine_map<(n, c) -> (n)>, affine_map<(n, c) -> (n, c)>],
                       iterator_types = ["parallel", "parallel"]}
      ins(%x, %sum : tensor<70x100xf32>, tensor<70xf32>) outs(%empty : tensor<70x100xf32>) {
  ^bb0(%a: f32, %s: f32, %o: f32):
    %p = arith.mulf %a, %s : f32
    linalg.yield %p : f32
  } -> tensor<70x100xf32>
  return %y, %z : tensor<70x100xf32>, tensor<70x100xf32>
}
