// Every kernel call of a recorded step against the reference, and what is said where something is wrong.
// RUN: rm -rf %t.d %t.odd && nanochat-opt %S/../Inputs/dense.mlir --target=native --emit=exe -o %t.exe
// RUN: %t.exe train --data %S/../../dialect/ops --ext cpp --steps 1 --dump-dispatches %t.d
// RUN: nanochat-opt %S/../Inputs/dense.mlir --target=native --check-dispatches=%t.d --check-gradients=%t.d | FileCheck %s
// CHECK: check-dispatches: {{[1-9][0-9]*}} calls of {{[1-9][0-9]*}} kernels, 9 results of entries, 0 errors
// CHECK: gemm {{.*}} worst relative L2 error {{.*}}e-0{{[78]}}
// CHECK: check-gradients: 6 results

// Odd sizes.
// RUN: nanochat-opt %S/../Inputs/dense.mlir --target=native --set batch=3,seq=7,layers=1 --emit=exe -o %t.exe
// RUN: %t.exe train --data %S/../../dialect/ops --ext cpp --steps 1 --dump-dispatches %t.odd
// RUN: nanochat-opt %S/../Inputs/dense.mlir --target=native --set batch=3,seq=7,layers=1 --check-dispatches=%t.odd --check-gradients=%t.odd

// A wrong result, a value overwritten between two kernels, a wrong gradient.
// RUN: %python %S/change_record.py %t.d "*.gemm_1x257.safetensors" out0
// RUN: not nanochat-opt %S/../Inputs/dense.mlir --target=native --check-dispatches=%t.d 2>&1 | FileCheck %s --check-prefix=RESULT
// RESULT: dense.mlir:{{[0-9]+}}:{{[0-9]+}}: error: kernel 'gemm_1x257', call {{[0-9]+}}: result 0 is wrong at [0, 0]: found {{.*}}, expected
// RUN: %python %S/change_record.py %t.d train.gradients.after.safetensors "gradient layers.w"
// RUN: not nanochat-opt %S/../Inputs/dense.mlir --target=native --check-gradients=%t.d 2>&1 | FileCheck %s --check-prefix=GRADIENT
// RUN: not nanochat-opt %S/../Inputs/dense.mlir --target=native --check-dispatches=%t.d 2>&1 | FileCheck %s --check-prefix=BOUND
// GRADIENT: error: gradient layers.w is wrong at [0, 0, 0]
// BOUND: error: train.gradients: gradient layers.w is not what was computed for it, at [0, 0, 0]
// RUN: %python %S/change_record.py %t.d "*.gemm_1x257.safetensors" in0
// RUN: not nanochat-opt %S/../Inputs/dense.mlir --target=native --check-dispatches=%t.d 2>&1 | FileCheck %s --check-prefix=INPUT
// INPUT: error: kernel 'gemm_1x257', call {{[0-9]+}}: input 0 was overwritten before it was read, at [0, 0]

// Records that cannot be used.
// RUN: not nanochat-opt %S/../Inputs/dense.mlir --target=native --check-dispatches=%t.absent 2>&1 | FileCheck %s --check-prefix=ABSENT
// RUN: not nanochat-opt %S/../Inputs/dense.mlir --target=reference --check-dispatches=%t.d 2>&1 | FileCheck %s --check-prefix=TARGET
// RUN: not nanochat-opt %S/../Inputs/dense.mlir --target=native --set seq=7 --check-gradients=%t.d 2>&1 | FileCheck %s --check-prefix=SIZES
// ABSENT: absent' holds no record of a training step of this model
// ABSENT: note: make one with PROGRAM train --steps 1 --dump-dispatches
// TARGET: error: {{.*}} was recorded by a program with target '{{.*}}', this one has 'reference'
// SIZES: note: give the --set that the program was compiled with
// RUN: rm -rf %t.d %t.odd
