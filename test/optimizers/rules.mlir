// Every update rule there is compiles and runs in f64.
// RUN: %python %S/rules.py %S/../Inputs/looped.mlir %t
