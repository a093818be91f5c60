// RUN: nanochat-opt %s --nanochat-set-target=target=x86-64-v4 --nanochat-emit-kernels --verify-each | FileCheck %s
// Lowering gives bare pointers and needs no library but libm.
// RUN: nanochat-opt %s --nanochat-set-target=target=x86-64-v3 --nanochat-emit-kernels --nanochat-kernels-to-llvm | FileCheck %s --check-prefix=LLVM

#full = affine_map<(n, c) -> (n, c)>
#row = affine_map<(n, c) -> (n)>
#column = affine_map<(n, c) -> (c)>

// A map of equal indices is one long row, whatever its shape: 3 tasks of 4096 elements, no remainder.
// CHECK-LABEL: func.func private @flat
// CHECK-SAME: (%{{.*}}: memref<96x128xf32>, %{{.*}}: memref<96x128xf32>, %{{.*}}: index, %{{.*}}: memref<0xi8>)
// CHECK-SAME: nanochat.kernel = #nanochat.kernel<pointwise, inplace = [-1], tasks = 3>
// CHECK: memref.collapse_shape
// CHECK: vector.load {{.*}} vector<16xf32>
// CHECK-NOT: memref.alloc
// CHECK-NOT: vector.maskedload
// CHECK: vector.store
func.func private @flat(%x: tensor<96x128xf32>) -> tensor<96x128xf32>
    attributes {nanochat.kernel = #nanochat.kernel<pointwise>} {
  %empty = tensor.empty() : tensor<96x128xf32>
  %y = linalg.generic {indexing_maps = [#full, #full], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<96x128xf32>) outs(%empty : tensor<96x128xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %a, %a : f32
    linalg.yield %s : f32
  } -> tensor<96x128xf32>
  return %y : tensor<96x128xf32>
}

// exp is needed by the sum and by the result: stored once, in the row of the thread. 20 columns are
// one vector and a masked one.
// CHECK-LABEL: func.func private @normalised
// CHECK-SAME: scratch = 128
// CHECK: memref.view {{.*}} to memref<20xf32>
// CHECK: vector.maskedstore
// CHECK-NOT: math.exp
// CHECK: vector.shuffle {{.*}} [8, 9, 10, 11, 12, 13, 14, 15]
// CHECK: arith.divf
// LLVM-LABEL: llvm.func @normalised(
// LLVM-SAME: %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: !llvm.ptr)
func.func private @normalised(%x: tensor<40x20xf32>) -> tensor<40x20xf32>
    attributes {nanochat.kernel = #nanochat.kernel<rowwise>} {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<40x20xf32>
  %rows = tensor.empty() : tensor<40xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%rows : tensor<40xf32>) -> tensor<40xf32>
  %e = linalg.generic {indexing_maps = [#full, #full], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<40x20xf32>) outs(%empty : tensor<40x20xf32>) {
  ^bb0(%a: f32, %o: f32):
    %v = math.exp %a : f32
    linalg.yield %v : f32
  } -> tensor<40x20xf32>
  %sum = linalg.generic {indexing_maps = [#full, #row], iterator_types = ["parallel", "reduction"]}
      ins(%e : tensor<40x20xf32>) outs(%zeros : tensor<40xf32>) {
  ^bb0(%a: f32, %o: f32):
    %v = arith.addf %o, %a : f32
    linalg.yield %v : f32
  } -> tensor<40xf32>
  %y = linalg.generic {indexing_maps = [#full, #row, #full], iterator_types = ["parallel", "parallel"]}
      ins(%e, %sum : tensor<40x20xf32>, tensor<40xf32>) outs(%empty : tensor<40x20xf32>) {
  ^bb0(%a: f32, %s: f32, %o: f32):
    %v = arith.divf %a, %s : f32
    linalg.yield %v : f32
  } -> tensor<40x20xf32>
  return %y : tensor<40x20xf32>
}

// Sums of columns: tasks share out the columns, each walks all rows.
// CHECK-LABEL: func.func private @columns
// CHECK-SAME: tasks = 6
// CHECK: scf.for {{.*}} iter_args(%{{.*}} = %{{.*}}) -> (vector<16xf32>)
func.func private @columns(%x: tensor<1000x96xf32>) -> tensor<96xf32>
    attributes {nanochat.kernel = #nanochat.kernel<rowwise>} {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<96xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<96xf32>) -> tensor<96xf32>
  %sum = linalg.generic {indexing_maps = [#full, #column], iterator_types = ["reduction", "parallel"]}
      ins(%x : tensor<1000x96xf32>) outs(%zeros : tensor<96xf32>) {
  ^bb0(%a: f32, %o: f32):
    %v = arith.addf %o, %a : f32
    linalg.yield %v : f32
  } -> tensor<96xf32>
  return %sum : tensor<96xf32>
}

// The row of x is put aside: y takes its place, but the sum that follows reads both.
// CHECK-LABEL: func.func private @overwritten
// CHECK-SAME: tasks = {{[0-9]+}}, scratch = {{[1-9]}}
// CHECK-NOT: linalg.generic
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
