// Integer gradients against numpy, and closer to f64 than bf16 products.
// REQUIRES: numpy
// RUN: %python-numpy %S/ternary_grad.py > %t.mlir
// RUN: nanochat-opt %t.mlir --nanochat-check-numeric=summary | FileCheck %s
// CHECK: 5 functions, 10 comparisons
