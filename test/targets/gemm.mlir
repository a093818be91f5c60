// RUN: nanochat-opt %s --nanochat-set-target=target=avx512-vnni --nanochat-emit-kernels | FileCheck %s
// RUN: nanochat-opt %s --nanochat-set-target=target=x86-64-v3 --nanochat-emit-kernels | FileCheck %s --check-prefix=AVX2
// RUN: nanochat-opt %s --nanochat-set-target=target=avx512-bf16 --nanochat-emit-kernels | FileCheck %s --check-prefix=BF16

#mk = affine_map<(m, n, k) -> (m, k)>
#nk = affine_map<(m, n, k) -> (n, k)>
#kn = affine_map<(m, n, k) -> (k, n)>
#mn = affine_map<(m, n, k) -> (m, n)>
#panels = affine_map<(m, n, k) -> (n floordiv 16, k floordiv 4, n mod 16, k mod 4)>
#full = affine_map<(m, n) -> (m, n)>
#row = affine_map<(m, n) -> (m)>

// Codes of a ternary linear with its scales: 8 × 48 accumulators, one exact integer sum per row.
// CHECK-LABEL: func.func private @codes
// CHECK-SAME: tasks = 16
// CHECK-NOT: memref.alloc
// CHECK: arith.xori {{.*}} vector<64xi8>
// CHECK: scf.for {{.*}} -> (vector<16xi32>, {{.*}}) {
// CHECK-COUNT-24: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
// CHECK: scf.yield
// CHECK: arith.sitofp {{.*}} vector<16xi32> to vector<16xf32>
// AVX2-LABEL: func.func private @codes
// AVX2: arith.extsi {{.*}} vector<16xi8> to vector<16xi16>
// AVX2: llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"
func.func private @codes(%x: tensor<1024x384xi8>, %w: tensor<384x384xi8>, %scale: tensor<1024xf32>)
    -> tensor<1024x384xf32> attributes {nanochat.kernel = #nanochat.kernel<gemm>} {
  %zero = arith.constant 0 : i32
  %ints = tensor.empty() : tensor<1024x384xi32>
  %zeros = linalg.fill ins(%zero : i32) outs(%ints : tensor<1024x384xi32>) -> tensor<1024x384xi32>
  %dots = linalg.generic {indexing_maps = [#mk, #nk, #mn],
                          iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<1024x384xi8>, tensor<384x384xi8>) outs(%zeros : tensor<1024x384xi32>) {
  ^bb0(%a: i8, %b: i8, %c: i32):
    %ae = arith.extsi %a : i8 to i32
    %be = arith.extsi %b : i8 to i32
    %p = arith.muli %ae, %be : i32
    %s = arith.addi %c, %p : i32
    linalg.yield %s : i32
  } -> tensor<1024x384xi32>
  %empty = tensor.empty() : tensor<1024x384xf32>
  %y = linalg.generic {indexing_maps = [#full, #row, #full], iterator_types = ["parallel", "parallel"]}
      ins(%dots, %scale : tensor<1024x384xi32>, tensor<1024xf32>) outs(%empty : tensor<1024x384xf32>) {
  ^bb0(%d: i32, %s: f32, %o: f32):
    %f = arith.sitofp %d : i32 to f32
    %v = arith.mulf %f, %s : f32
    linalg.yield %v : f32
  } -> tensor<1024x384xf32>
  return %y : tensor<1024x384xf32>
}

// Weights in panels are read as they are: no packing, no scratch but the sums of rows.
// CHECK-LABEL: func.func private @packed
// CHECK-SAME: scratch = 2048
// CHECK-NOT: arith.xori
// CHECK-COUNT-24: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
// CHECK: scf.yield
func.func private @packed(%x: tensor<1024x384xi8>, %p: tensor<24x96x16x4xi8>) -> tensor<1024x384xi32>
    attributes {nanochat.kernel = #nanochat.kernel<gemm>} {
  %zero = arith.constant 0 : i32
  %ints = tensor.empty() : tensor<1024x384xi32>
  %zeros = linalg.fill ins(%zero : i32) outs(%ints : tensor<1024x384xi32>) -> tensor<1024x384xi32>
  %dots = linalg.generic {indexing_maps = [#mk, #panels, #mn],
                          iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %p : tensor<1024x384xi8>, tensor<24x96x16x4xi8>) outs(%zeros : tensor<1024x384xi32>) {
  ^bb0(%a: i8, %b: i8, %c: i32):
    %one = arith.constant 1 : i32
    %ae = arith.extsi %a : i8 to i32
    %be = arith.extui %b : i8 to i32
    %code = arith.subi %be, %one : i32
    %m = arith.muli %ae, %code : i32
    %s = arith.addi %c, %m : i32
    linalg.yield %s : i32
  } -> tensor<1024x384xi32>
  return %dots : tensor<1024x384xi32>
}

// Two contractions are more than one kernel: left as it is.
// CHECK-LABEL: func.func private @two
// CHECK: linalg.generic
func.func private @two(%x: tensor<4x4xf32>, %init: tensor<4x4xf32>) -> tensor<4x4xf32>
    attributes {nanochat.kernel = #nanochat.kernel<gemm>} {
  %y = linalg.generic {indexing_maps = [#mk, #nk, #mn],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %x : tensor<4x4xf32>, tensor<4x4xf32>) outs(%init : tensor<4x4xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<4x4xf32>
  %z = linalg.generic {indexing_maps = [#mk, #nk, #mn],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%y, %x : tensor<4x4xf32>, tensor<4x4xf32>) outs(%init : tensor<4x4xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<4x4xf32>
  return %z : tensor<4x4xf32>
}

// 16-bit codes by bytes: 8 × 48 accumulators, the words of rows read where they are.
// CHECK-LABEL: func.func private @words
// CHECK-NOT: memref.alloc
// CHECK: scf.for {{.*}} -> (vector<16xi32>, {{.*}}) {
// CHECK-COUNT-24: llvm.call_intrinsic "llvm.x86.avx512.vpdpwssd.512"
// CHECK: scf.yield
// AVX2-LABEL: func.func private @words
// AVX2: llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"
func.func private @words(%x: tensor<1024x384xi16>, %w: tensor<384x384xi8>) -> tensor<1024x384xi32>
    attributes {nanochat.kernel = #nanochat.kernel<gemm>} {
  %zero = arith.constant 0 : i32
  %ints = tensor.empty() : tensor<1024x384xi32>
  %zeros = linalg.fill ins(%zero : i32) outs(%ints : tensor<1024x384xi32>) -> tensor<1024x384xi32>
  %dots = linalg.generic {indexing_maps = [#mk, #kn, #mn],
                          iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<1024x384xi16>, tensor<384x384xi8>) outs(%zeros : tensor<1024x384xi32>) {
  ^bb0(%a: i16, %b: i8, %c: i32):
    %ae = arith.extsi %a : i16 to i32
    %be = arith.extsi %b : i8 to i32
    %p = arith.muli %ae, %be : i32
    %s = arith.addi %c, %p : i32
    linalg.yield %s : i32
  } -> tensor<1024x384xi32>
  return %dots : tensor<1024x384xi32>
}

// Halves are read as they are where k lies along memory; b is made from floats while it is packed. Without the dot product,
// they become floats in panels.
// BF16-LABEL: func.func private @halves
// BF16: llvm.call_intrinsic "llvm.x86.avx512bf16.cvtne2ps2bf16.512"
// BF16: scf.for {{.*}} -> (vector<16xf32>, {{.*}}) {
// BF16-COUNT-24: llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"
// BF16: scf.yield
// AVX2-LABEL: func.func private @halves
// AVX2: arith.extf {{.*}} vector<8xbf16> to vector<8xf32>
// AVX2-COUNT-12: math.fma {{.*}} vector<8xf32>
func.func private @halves(%x: tensor<1024x384xbf16>, %w: tensor<384x384xf32>) -> tensor<1024x384xf32>
    attributes {nanochat.kernel = #nanochat.kernel<gemm>} {
  %zero = arith.constant 0.0 : f32
  %none = tensor.empty() : tensor<384x384xbf16>
  %half = linalg.generic {indexing_maps = [#full, #full], iterator_types = ["parallel", "parallel"]}
      ins(%w : tensor<384x384xf32>) outs(%none : tensor<384x384xbf16>) {
  ^bb0(%a: f32, %o: bf16):
    %h = arith.truncf %a : f32 to bf16
    linalg.yield %h : bf16
  } -> tensor<384x384xbf16>
  %empty = tensor.empty() : tensor<1024x384xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<1024x384xf32>) -> tensor<1024x384xf32>
  %y = linalg.generic {indexing_maps = [#mk, #nk, #mn], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %half : tensor<1024x384xbf16>, tensor<384x384xbf16>) outs(%zeros : tensor<1024x384xf32>) {
  ^bb0(%a: bf16, %b: bf16, %c: f32):
    %ae = arith.extf %a : bf16 to f32
    %be = arith.extf %b : bf16 to f32
    %p = arith.mulf %ae, %be : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<1024x384xf32>
  return %y : tensor<1024x384xf32>
}
