// Kernels for GPUs, run by the emulator with threads in rising and in falling order: the codes and sums of rows are the reference's
// bits, products of all types, forms and sizes, in small and large blocks, whole and over slices.
// RUN: nanochat-opt %S/../checks/check-emitters.mlir --nanochat-check-kernels="target=sm_90 tolerance=0 summary" | FileCheck %s --check-prefix=ROWS
// ROWS: 10 kernels, 6 of them as plain loops
// RUN: %python %S/gemm_sizes.py 6 f32,bf16,i8,e4m3,mixed > %t.mlir
// RUN: nanochat-opt %t.mlir --nanochat-check-kernels="target=sm_90 summary" | FileCheck %s
// RUN: nanochat-opt %t.mlir --nanochat-check-kernels="target=sm_89:gemm_tile=128x128x3 summary" | FileCheck %s
// RUN: nanochat-opt %t.mlir --nanochat-check-kernels="target=sm_120:gemm_tile=64x128x2 extremes summary" | FileCheck %s
// CHECK: 90 kernels, 0 of them as plain loops
// Tensor cores that lack formats leave their products to plain loops.
// RUN: nanochat-opt %t.mlir --nanochat-check-kernels="target=sm_90:mma=bf16+int8 summary" | FileCheck %s --check-prefix=FEWER
// FEWER: 90 kernels, 54 of them as plain loops
// RUN: %python %S/gemm_sizes.py 2 f32,bf16,i8,e4m3,mixed 3 > %t.slices.mlir
// RUN: nanochat-opt %t.slices.mlir --nanochat-check-kernels="target=sm_90 summary" | FileCheck %s --check-prefix=SLICES
// RUN: nanochat-opt %t.slices.mlir --nanochat-check-kernels="target=sm_89:gemm_tile=128x128x3 extremes summary" | FileCheck %s --check-prefix=SLICES
// SLICES: 30 kernels, 0 of them as plain loops

// Blocks that hold less get smaller tiles, and what does not fit is an error.
// RUN: nanochat-opt %t.mlir --nanochat-check-kernels="target=sm_90:shared_bytes=65536 summary" | FileCheck %s
// RUN: not nanochat-opt %t.mlir --nanochat-set-target=target=sm_90:shared_bytes=49152 --nanochat-emit-kernels 2>&1 | FileCheck %s --check-prefix=SHARED
// SHARED: error: takes 65536 bytes of shared memory, and a block of sm_90 has at most 49152

// Attention: rounded as on GPUs, of bf16, against a reference that rounds alike; of f32, against one that does not.
// RUN: %python %S/attention_sizes.py bf16 10 > %t.attention.mlir
// RUN: nanochat-opt %t.attention.mlir --nanochat-check-kernels="target=sm_90 tolerance=3e-4 summary" | FileCheck %s --check-prefix=ATTENTION
// RUN: %python %S/attention_sizes.py f32 10 > %t.attention.mlir
// RUN: nanochat-opt %t.attention.mlir --nanochat-check-kernels="target=sm_89 tolerance=3e-2 summary" | FileCheck %s --check-prefix=ATTENTION
// ATTENTION: 20 kernels, 0 of them as plain loops

// Where rows fill whole blocks, warps stay together: all lanes meet in each sum.
// RUN: nanochat-opt %s --nanochat-check-kernels="target=sm_90 tolerance=0 summary" | FileCheck %s --check-prefix=WHOLE
// RUN: nanochat-opt %s --nanochat-set-target=target=sm_90 --nanochat-emit-kernels | FileCheck %s --check-prefix=TOGETHER
// WHOLE: 1 kernels, 0 of them as plain loops
// TOGETHER: %[[ALL:.*]] = arith.constant -1 : i32
// TOGETHER: nvvm.shfl.sync bfly %[[ALL]]
func.func private @norm(%x: tensor<64x37xf32>) -> (tensor<64x37xf32>, tensor<64xf32>) attributes {nanochat.kernel = #nanochat.kernel<rowwise, inplace = [-1, -1]>} {
  %zero = arith.constant 0.0 : f32
  %sums = tensor.empty() : tensor<64xf32>
  %start = linalg.fill ins(%zero : f32) outs(%sums : tensor<64xf32>) -> tensor<64xf32>
  %squares = linalg.generic {indexing_maps = [affine_map<(n, c) -> (n, c)>, affine_map<(n, c) -> (n)>], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<64x37xf32>) outs(%start : tensor<64xf32>) {
  ^bb0(%a: f32, %s: f32):
    %p = arith.mulf %a, %a : f32
    %t = arith.addf %s, %p : f32
    linalg.yield %t : f32
  } -> tensor<64xf32>
  %empty = tensor.empty() : tensor<64x37xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(n, c) -> (n, c)>, affine_map<(n, c) -> (n)>, affine_map<(n, c) -> (n, c)>], iterator_types = ["parallel", "parallel"]}
      ins(%x, %squares : tensor<64x37xf32>, tensor<64xf32>) outs(%empty : tensor<64x37xf32>) {
  ^bb0(%a: f32, %s: f32, %o: f32):
    %r = math.rsqrt %s : f32
    %v = arith.mulf %a, %r : f32
    linalg.yield %v : f32
  } -> tensor<64x37xf32>
  return %y, %squares : tensor<64x37xf32>, tensor<64xf32>
}
