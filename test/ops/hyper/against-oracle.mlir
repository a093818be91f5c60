// Streams and their coefficients against an oracle in NumPy, whose author had not seen the code.
// REQUIRES: numpy
// RUN: %python-numpy %S/oracle.py
// RUN: %python-numpy %S/numeric.py > %t.mlir
// RUN: nanochat-opt %t.mlir --nanochat-check-numeric=summary | FileCheck %s
// CHECK: 46 functions, 152 comparisons
