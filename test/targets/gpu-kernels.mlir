// Kernels for GPUs, run by the emulator with threads in rising and in falling order: the codes and sums of rows are the reference's
// bits, products of all types, forms and sizes, in small and large blocks, whole and over slices.
// RUN: nanochat-opt %S/../execution/check-emitters.mlir --nanochat-check-kernels="gpu=sm_90 tolerance=0 summary" | FileCheck %s --check-prefix=ROWS
// ROWS: 10 kernels, 6 of them as plain loops
// RUN: %python %S/gemm_sizes.py 6 f32,bf16,i8,e4m3 > %t.mlir
// RUN: nanochat-opt %t.mlir --nanochat-check-kernels="gpu=sm_90 summary" | FileCheck %s
// RUN: nanochat-opt %t.mlir --nanochat-check-kernels="gpu=sm_89 gemm-tile=128x128x3 summary" | FileCheck %s
// RUN: nanochat-opt %t.mlir --nanochat-check-kernels="gpu=sm_120 gemm-tile=64x128x2 extremes summary" | FileCheck %s
// CHECK: 72 kernels, 0 of them as plain loops
// RUN: %python %S/gemm_sizes.py 2 f32,bf16,i8,e4m3 3 > %t.slices.mlir
// RUN: nanochat-opt %t.slices.mlir --nanochat-check-kernels="gpu=sm_90 summary" | FileCheck %s --check-prefix=SLICES
// RUN: nanochat-opt %t.slices.mlir --nanochat-check-kernels="gpu=sm_89 gemm-tile=128x128x3 extremes summary" | FileCheck %s --check-prefix=SLICES
// SLICES: 24 kernels, 0 of them as plain loops

// Attention: rounded as on GPUs, of bf16, against a reference that rounds alike; of f32, against one that does not.
// RUN: %python %S/attention_sizes.py bf16 10 > %t.attention.mlir
// RUN: nanochat-opt %t.attention.mlir --nanochat-check-kernels="gpu=sm_90 tolerance=3e-4 summary" | FileCheck %s --check-prefix=ATTENTION
// RUN: %python %S/attention_sizes.py f32 10 > %t.attention.mlir
// RUN: nanochat-opt %t.attention.mlir --nanochat-check-kernels="gpu=sm_89 tolerance=3e-2 summary" | FileCheck %s --check-prefix=ATTENTION
// ATTENTION: 20 kernels, 0 of them as plain loops
