// The emitters of check-emitters.mlir with instructions that not every processor has.
// REQUIRES: avx512-vnni
// RUN: nanochat-opt %S/check-emitters.mlir --nanochat-check-kernels="target=x86-64-v4 tolerance=0 summary" | FileCheck %s
// RUN: nanochat-opt %S/check-emitters.mlir --nanochat-check-kernels="target=avx512-vnni tolerance=0"
// RUN: %if avx-vnni %{ nanochat-opt %S/check-emitters.mlir --nanochat-check-kernels="target=avx-vnni tolerance=0" %}
// CHECK: 10 kernels
