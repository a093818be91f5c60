// Kernels of four-bit floats are their meaning: codes, scales and transforms to the bit, products to rounding.
// RUN: %python %S/fp4_kernels.py > %t.mlir
// RUN: nanochat-opt %t.mlir --nanochat-check-kernels="target=native summary" | FileCheck %s
// RUN: %if avx2 %{ nanochat-opt %t.mlir --nanochat-check-kernels="target=x86-64-v3 summary" | FileCheck %s %}
// CHECK: 32 kernels
