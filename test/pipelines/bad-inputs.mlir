// Mistakes are errors with a place and a way out, exit code 2, and no file written.
// RUN: rm -f %t.o && %python %S/bad_inputs.py %S/../Inputs/dense.mlir %t
