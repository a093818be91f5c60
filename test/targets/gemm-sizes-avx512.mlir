// The same with instructions that not every processor has.
// REQUIRES: avx512-bf16
// RUN: %python %S/gemm_sizes.py 6 f32,bf16,i8,i16,e4m3,mixed > %t.mlir
// RUN: nanochat-opt %t.mlir --nanochat-check-kernels="target=avx512-bf16 summary" | FileCheck %s
// RUN: nanochat-opt %t.mlir --nanochat-check-kernels="target=avx512-bf16 extremes summary" | FileCheck %s
// RUN: nanochat-opt %t.mlir --nanochat-check-kernels="target=x86-64-v4 extremes summary" | FileCheck %s
// CHECK: 108 kernels
