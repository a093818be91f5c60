// The same dense program through the optimised kernels and through the reference, in f32 and in f64: every gradient
// of one batch.
// RUN: nanochat-opt %S/../Inputs/dense.mlir --target=native --emit=exe -o %t.native
// RUN: nanochat-opt %S/../Inputs/dense.mlir --target=reference --emit=exe -o %t.reference
// RUN: nanochat-opt %S/../Inputs/dense.mlir --target=reference --precision=f64 --emit=exe -o %t.wide
// RUN: %t.wide info | FileCheck %s
// CHECK: reference in f64
// RUN: %t.native train --data %S/../../dialect/ops --ext cpp --steps 1 --save-init %t.init --seed 5
// RUN: %python %S/make_batch.py 32 257 %t.bin
// RUN: %t.native grad --init %t.init --batch %t.bin --out %t.a
// RUN: %t.reference grad --init %t.init --batch %t.bin --out %t.b
// RUN: %t.wide grad --init %t.init --batch %t.bin --out %t.c
// RUN: %python %S/compare_safetensors.py %t.a %t.b 1e-4
// RUN: %python %S/compare_safetensors.py %t.a %t.c 1e-5
// Rounding shows: these are doubles.
// RUN: not %python %S/compare_safetensors.py %t.b %t.c 1e-9 > /dev/null

// As a GPU's row, which rounds factors to bf16, in doubles: exponentials of masked scores are zero there too.
// RUN: nanochat-opt %S/../Inputs/looped.mlir --target=reference --as=sm_90 --precision=f64 --emit=exe -o %t.rounded
// RUN: %t.rounded train --data %S/../../dialect/ops --ext cpp --steps 2 | FileCheck %s --check-prefix=FINITE
// FINITE: step 2/2 {{.*}} loss {{[0-9.]+ }}

// A run in doubles saves doubles, which a program in floats does not take.
// RUN: %t.wide train --data %S/../../dialect/ops --ext cpp --steps 2 --seed 5 --save %t.doubles
// RUN: %t.wide grad --init %t.doubles --batch %t.bin --out %t.c
// RUN: not %t.native grad --init %t.doubles --batch %t.bin --out %t.a 2>&1 | FileCheck %s --check-prefix=DTYPE
// DTYPE: error: '{{.*}}': tensor 'embed' is f64 [257, 12], expected f32 [257, 12]

// RUN: not nanochat-opt %S/../Inputs/dense.mlir --target=native --precision=f64 2>&1 | FileCheck %s --check-prefix=ROW
// RUN: not nanochat-opt %S/../Inputs/dense.mlir --target=reference --precision=f16 2>&1 | FileCheck %s --check-prefix=KIND
// ROW: error: --precision=f64 goes with --target=reference only
// KIND: error: --precision=f16 is not known
