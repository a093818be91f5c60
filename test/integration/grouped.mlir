// Scales per group of inputs, through every target: a recorded step against the reference, and losses that agree.
// RUN: sed 's/nanochat.ternary_linear \(%[a-z]*\), \(%w[a-z]*\) :/nanochat.ternary_linear \1, \2 {group = 32} :/' %models/copy-tiny.mlir > %t.mlir
// RUN: grep -c 'group = 32' %t.mlir | FileCheck %s --check-prefix=GROUPS
// GROUPS: 7
// RUN: rm -rf %t.d && nanochat-opt %t.mlir --target=native --set batch=1 --emit=exe -o %t.exe
// RUN: %t.exe train --copy-task --steps 1 --seed 1 --dump-dispatches %t.d --save-init %t.init
// RUN: nanochat-opt %t.mlir --target=native --set batch=1 --check-dispatches=%t.d --check-gradients=%t.d | FileCheck %s
// RUN: rm -rf %t.d
// CHECK: 0 errors
// CHECK: check-gradients: 19 results

// RUN: nanochat-opt %t.mlir --target=reference --set batch=1 --emit=exe -o %t.reference
// RUN: nanochat-opt %t.mlir --target=reference --as=native --set batch=1 --emit=exe -o %t.as
// RUN: %python %S/make_batch.py 128 257 %t.bin
// RUN: %t.exe grad --init %t.init --batch %t.bin --out %t.a
// RUN: %t.reference grad --init %t.init --batch %t.bin --out %t.b
// RUN: %t.as grad --init %t.init --batch %t.bin --out %t.c
// RUN: %python %S/compare_safetensors.py %t.a %t.b 1e-3 loss
// RUN: %python %S/compare_safetensors.py %t.a %t.c 1e-5 loss
