// Gradients of weights shared by 3 loops are the sums of those of a model with weights of its own for
// every loop, from the same values; dense and ternary.
// REQUIRES: numpy
// RUN: nanochat-opt %S/../Inputs/looped.mlir --target=native --emit=exe -o %t.looped
// RUN: nanochat-opt %S/../Inputs/untied.mlir --target=native --emit=exe -o %t.untied
// RUN: %t.looped train --data %S/../../dialect/ops --ext cpp --steps 0 --save-init %t.p1 --seed 3
// RUN: %python-numpy %S/tied.py untie %t.p1 %t.p3 3
// RUN: %python %S/make_batch.py 32 257 %t.bin
// RUN: %t.looped grad --init %t.p1 --batch %t.bin --out %t.g1
// RUN: %t.untied grad --init %t.p3 --batch %t.bin --out %t.g3
// RUN: %python-numpy %S/tied.py sum %t.g1 %t.g3 1e-5
// RUN: sed 's/nanochat.linear /nanochat.ternary_linear /' %S/../Inputs/looped.mlir > %t.l.mlir
// RUN: sed 's/nanochat.linear /nanochat.ternary_linear /' %S/../Inputs/untied.mlir > %t.u.mlir
// RUN: nanochat-opt %t.l.mlir --target=native --emit=exe -o %t.looped
// RUN: nanochat-opt %t.u.mlir --target=native --emit=exe -o %t.untied
// RUN: %t.looped grad --init %t.p1 --batch %t.bin --out %t.t1
// RUN: %t.untied grad --init %t.p3 --batch %t.bin --out %t.t3
// RUN: %python-numpy %S/tied.py sum %t.t1 %t.t3 1e-5
// Sums for dense weights are none for ternary ones.
// RUN: not %python-numpy %S/tied.py sum %t.g1 %t.t3 1e-5
