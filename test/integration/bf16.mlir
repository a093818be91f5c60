// Dense products of bf16: kernels are what they say, on rows with and without such dot products, and losses hardly move.
// RUN: nanochat-opt %models/copy-tiny.mlir --target=avx512-bf16 --dense=bf16 --emit=asm | FileCheck %s
// CHECK: vdpbf16ps
// RUN: rm -rf %t.d && nanochat-opt %models/copy-tiny.mlir --target=native --dense=bf16 --set batch=1 --emit=exe -o %t.exe
// RUN: %t.exe train --copy-task --steps 1 --seed 1 --dump-dispatches %t.d
// RUN: nanochat-opt %models/copy-tiny.mlir --target=native --dense=bf16 --set batch=1 --check-dispatches=%t.d | FileCheck %s --check-prefix=CHECK0
// RUN: rm -rf %t.d
// CHECK0: 0 errors
// RUN: nanochat-opt %models/copy-tiny.mlir --target=reference --as=native --dense=bf16 --set batch=1 --emit=exe -o %t.as
// RUN: nanochat-opt %models/copy-tiny.mlir --target=native --set batch=1 --emit=exe -o %t.f32
// RUN: %t.exe train --copy-task --steps 0 --save-init %t.init --seed 5
// RUN: %python %S/make_batch.py 128 257 %t.bin
// RUN: %t.exe grad --init %t.init --batch %t.bin --out %t.a
// RUN: %t.as grad --init %t.init --batch %t.bin --out %t.b
// RUN: %t.f32 grad --init %t.init --batch %t.bin --out %t.c
// RUN: %python %S/compare_safetensors.py %t.a %t.b 1e-5 loss
// RUN: %python %S/compare_safetensors.py %t.a %t.c 1e-3 loss
// RUN: not %python %S/compare_safetensors.py %t.a %t.c 1e-9 loss
// RUN: not nanochat-opt %models/copy-tiny.mlir --target=native --dense=f8 2>&1 | FileCheck %s --check-prefix=KIND
// KIND: error: --dense=f8 is not known
