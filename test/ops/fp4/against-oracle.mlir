// Codes, scales and transforms against an oracle in NumPy, bit for bit, and products; the oracle against published numbers.
// REQUIRES: numpy
// RUN: %python-numpy %S/oracle.py
// RUN: %python-numpy %S/numeric.py > %t.mlir
// RUN: nanochat-opt %t.mlir --nanochat-check-numeric=summary | FileCheck %s
// CHECK: 34 functions
