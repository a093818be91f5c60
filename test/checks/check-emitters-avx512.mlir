// The emitters of check-emitters.mlir with instructions that not every processor has.
// REQUIRES: avx512-vnni
// RUN: nanochat-opt %S/check-emitters.mlir --nanochat-check-kernels="tolerance=0 summary" | FileCheck %s
// RUN: nanochat-opt %S/check-emitters.mlir --nanochat-check-kernels="tolerance=0 vnni=true"
// RUN: nanochat-opt %S/check-emitters.mlir --nanochat-check-kernels="tolerance=0 target-bits=256 vnni=true"
// CHECK: 10 kernels
