// Newton–Schulz is its scalar map on singular values, bases are orthonormal and within 5 % of the best, and so on.
// REQUIRES: numpy
// RUN: %python-numpy %S/properties.py 1 > %t.mlir
// RUN: nanochat-opt %t.mlir --nanochat-check-numeric=summary | FileCheck %s
// CHECK: 36 functions, 54 comparisons
