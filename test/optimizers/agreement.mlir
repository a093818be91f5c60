// Update ops against formulas written in numpy: 20 steps, 1e-5.
// REQUIRES: numpy
// RUN: %python-numpy %S/agreement.py > %t.mlir
// RUN: nanochat-opt %t.mlir --nanochat-check-numeric=summary | FileCheck %s
// CHECK: 17 functions, 17 comparisons
