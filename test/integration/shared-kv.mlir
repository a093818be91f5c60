// Grouped keys and values and the ReLU² GLU, through every stage: a recorded step against the reference.
// RUN: rm -rf %t.d && nanochat-opt %S/../Inputs/shared-kv.mlir --target=native --emit=exe -o %t.exe
// RUN: %t.exe train --copy-task --steps 1 --seed 1 --dump-dispatches %t.d
// RUN: nanochat-opt %S/../Inputs/shared-kv.mlir --target=native --check-dispatches=%t.d --check-gradients=%t.d | FileCheck %s
// RUN: rm -rf %t.d
// CHECK: 0 errors
// CHECK: check-gradients: {{[0-9]+}} results
