// SOAP and GUM against formulas written in numpy, over turns of their bases and draws.
// REQUIRES: numpy
// RUN: %python-numpy %S/bases.py > %t.mlir
// RUN: nanochat-opt %t.mlir --nanochat-check-numeric=summary | FileCheck %s
// CHECK: 4 functions, 4 comparisons
