// Integer gradients against numpy, those of 16 bits closer to f64 than bf16 products, those of 8 bits by chance the oracle's to the bit.
// REQUIRES: numpy
// RUN: %python-numpy %S/ternary_grad.py > %t.mlir
// RUN: nanochat-opt %t.mlir --nanochat-check-numeric=summary | FileCheck %s
// CHECK: 15 functions, 41 comparisons
