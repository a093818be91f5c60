// In one loop a LoopLM is the plain transformer of its layers: losses and gradients have the same bits,
// and the exit gate gets no gradient; dense and ternary.
// REQUIRES: numpy
// RUN: nanochat-opt %S/../Inputs/looped.mlir --set n_loops=1 --target=native --emit=exe -o %t.looped
// RUN: nanochat-opt %S/../Inputs/plain.mlir --target=native --emit=exe -o %t.plain
// RUN: %t.looped train --data %S/../../dialect/ops --ext cpp --steps 0 --save-init %t.p1 --seed 3
// RUN: %python-numpy %S/tied.py keep %t.p1 %t.p0
// RUN: %python %S/make_batch.py 32 257 %t.bin
// RUN: %t.looped grad --init %t.p1 --batch %t.bin --out %t.g1
// RUN: %t.plain grad --init %t.p0 --batch %t.bin --out %t.g0
// RUN: %python-numpy %S/tied.py same %t.g1 %t.g0
// RUN: sed 's/nanochat.linear /nanochat.ternary_linear /' %S/../Inputs/looped.mlir > %t.l.mlir
// RUN: sed 's/nanochat.linear /nanochat.ternary_linear /' %S/../Inputs/plain.mlir > %t.p.mlir
// RUN: nanochat-opt %t.l.mlir --set n_loops=1 --target=native --emit=exe -o %t.looped
// RUN: nanochat-opt %t.p.mlir --target=native --emit=exe -o %t.plain
// RUN: %t.looped grad --init %t.p1 --batch %t.bin --out %t.t1
// RUN: %t.plain grad --init %t.p0 --batch %t.bin --out %t.t0
// RUN: %python-numpy %S/tied.py same %t.t1 %t.t0
// RUN: not %python-numpy %S/tied.py same %t.g1 %t.t0
