// The same dense program through the optimised kernels and through the reference: every gradient of one batch.
// RUN: nanochat-opt %S/../Inputs/dense.mlir --target=native --emit=exe -o %t.native
// RUN: nanochat-opt %S/../Inputs/dense.mlir --target=reference --emit=exe -o %t.reference
// RUN: %t.native train --data %S/../../dialect/ops --ext cpp --steps 1 --save-init %t.init --seed 5
// RUN: %python %S/make_batch.py 32 257 %t.bin
// RUN: %t.native grad --init %t.init --batch %t.bin --out %t.a
// RUN: %t.reference grad --init %t.init --batch %t.bin --out %t.b
// RUN: %python %S/compare_safetensors.py %t.a %t.b 1e-4
