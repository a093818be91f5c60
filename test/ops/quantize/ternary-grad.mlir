// Integer gradients against numpy, those of 16 bits closer to f64 than bf16 products.
// REQUIRES: numpy
// RUN: %python-numpy %S/ternary_grad.py > %t.mlir
// RUN: nanochat-opt %t.mlir --nanochat-check-numeric=summary | FileCheck %s
// CHECK: 10 functions, 20 comparisons
