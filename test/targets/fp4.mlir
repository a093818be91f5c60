// Kernels of four-bit floats are their meaning: codes, of 8 bits as well, scales and transforms to the bit, products to rounding.
// RUN: %python %S/fp4_kernels.py > %t.mlir
// RUN: nanochat-opt %t.mlir --nanochat-check-kernels="target=native summary" | FileCheck %s
// RUN: %if avx2 %{ nanochat-opt %t.mlir --nanochat-check-kernels="target=x86-64-v3 summary" | FileCheck %s %}
// CHECK: 57 kernels

// Those of GPUs, on the emulator, and without what makes them right.
// RUN: %python %S/fp4_kernels.py gpu > %t.gpu.mlir
// RUN: nanochat-opt %t.gpu.mlir --nanochat-check-kernels="target=sm_120 summary" | FileCheck %s --check-prefix=GPU
// GPU: 30 kernels
// RUN: %python %S/fp4_kernels.py pairs > %t.pairs.mlir
// RUN: nanochat-opt %t.pairs.mlir --nanochat-check-kernels="target=sm_120 summary" | FileCheck %s --check-prefix=PAIRS
// RUN: nanochat-opt %t.pairs.mlir --nanochat-check-kernels="target=sm_120:gemm_tile=128x128x3 summary" | FileCheck %s --check-prefix=PAIRS
// PAIRS: 5 kernels
// RUN: %python %S/fp4_kernels.py mutants > %t.mutants.mlir
// RUN: nanochat-opt %t.mutants.mlir --nanochat-check-mutants=target=sm_120:gemm_tile=64x64x3 -o /dev/null | FileCheck %s --check-prefix=MUTANTS
// MUTANTS-COUNT-2: mutants
