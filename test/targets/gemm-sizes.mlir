// Products of sizes 1 to 67, around the edges of register blocks, are their meaning: integers exactly; on random numbers and extremes.
// REQUIRES: avx2
// RUN: %python %S/gemm_sizes.py 6 f32,bf16,i8,i16,e4m3,mixed > %t.mlir
// RUN: nanochat-opt %t.mlir --nanochat-check-kernels="target=x86-64-v3 summary" | FileCheck %s
// RUN: nanochat-opt %t.mlir --nanochat-check-kernels="target=x86-64-v3 extremes summary" | FileCheck %s
// CHECK: 108 kernels
