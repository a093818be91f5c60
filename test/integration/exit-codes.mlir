// Every command, with its streams, its disk or its input damaged: it never exits with 0 where it did not do what it was asked, and never dies by a signal.
// RUN: nanochat-opt %S/../Inputs/dense.mlir --target=native --emit=exe -o %t.exe
// RUN: %python %S/exit_codes.py %t.d %t.exe
