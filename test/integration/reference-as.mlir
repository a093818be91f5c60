// The IR of a row with plain loops for kernels: close to the row where rounding agrees. The reference itself,
// with its own fusion, agrees in the loss only: where it rounds otherwise, gradients differ.
// RUN: nanochat-opt %models/copy-tiny.mlir --set batch=1 --target=native --emit=exe -o %t.native
// RUN: nanochat-opt %models/copy-tiny.mlir --set batch=1 --target=reference --as=native --emit=exe -o %t.as
// RUN: nanochat-opt %models/copy-tiny.mlir --set batch=1 --target=reference --emit=exe -o %t.reference
// RUN: %t.as info | FileCheck %s
// CHECK: reference as
// RUN: %t.native train --copy-task --steps 0 --save-init %t.init --seed 5
// RUN: %python %S/make_batch.py 128 257 %t.bin
// RUN: %t.native grad --init %t.init --batch %t.bin --out %t.a
// RUN: %t.as grad --init %t.init --batch %t.bin --out %t.b
// RUN: %t.reference grad --init %t.init --batch %t.bin --out %t.c
// RUN: %python %S/compare_safetensors.py %t.a %t.b 1e-5 loss
// RUN: %python %S/compare_safetensors.py %t.a %t.c 1e-3 loss

// RUN: not nanochat-opt %models/copy-tiny.mlir --target=reference --as=vax 2>&1 | FileCheck %s --check-prefix=ROW
// RUN: not nanochat-opt %models/copy-tiny.mlir --target=native --as=native 2>&1 | FileCheck %s --check-prefix=ONLY
// ROW: error: --as=vax is not a target
// ROW: note: it takes one of native
// ONLY: error: --as goes with --target=reference only
