// Ternary linears are integer dot products.
// RUN: nanochat-opt %S/../../models/copy-tiny.mlir --target=avx512-vnni --emit=asm | FileCheck %s
// CHECK: vpdpbusd
