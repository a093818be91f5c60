// A ternary LoopLM: codes are the same bits, gradients with the recorded codes agree.
// RUN: rm -rf %t.d && nanochat-opt %models/copy-tiny.mlir --target=native --set batch=1 --emit=exe -o %t.exe
// RUN: %t.exe train --copy-task --steps 1 --seed 1 --dump-dispatches %t.d
// RUN: nanochat-opt %models/copy-tiny.mlir --target=native --set batch=1 --check-dispatches=%t.d --check-gradients=%t.d | FileCheck %s
// RUN: rm -rf %t.d
// CHECK: 0 errors
// CHECK: rowwise {{.*}} {{[1-9][0-9]*}} integer and
// CHECK: check-gradients: 19 results
