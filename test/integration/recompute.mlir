// Whatever a loop recomputes, and whatever the number of threads, a step gives the same bits: losses per
// token, exit probabilities and every gradient of a ternary LoopLM.
// RUN: sed 's/recompute(cheap)/recompute(body)/' %S/../../models/copy-tiny.mlir | nanochat-opt --target=native --set batch=3,seq=24 --emit=exe -o %t.body
// RUN: nanochat-opt %S/../../models/copy-tiny.mlir --target=native --set batch=3,seq=24 --emit=exe -o %t.cheap
// RUN: sed 's/recompute(cheap)/recompute(nothing)/' %S/../../models/copy-tiny.mlir | nanochat-opt --target=native --set batch=3,seq=24 --emit=exe -o %t.nothing
// RUN: %t.body train --copy-task --steps 5 --lr 0.004 --save %t.w
// RUN: %python %S/make_batch.py 144 257 %t.bin
// RUN: %t.body grad --init %t.w --batch %t.bin --out %t.g1 --threads 1
// RUN: %t.cheap grad --init %t.w --batch %t.bin --out %t.g2 --threads 2
// RUN: %t.nothing grad --init %t.w --batch %t.bin --out %t.g3 --threads 4
// RUN: %t.nothing grad --init %t.w --batch %t.bin --out %t.g4 --threads 1
// RUN: cmp %t.g1 %t.g2 && cmp %t.g1 %t.g3 && cmp %t.g1 %t.g4
// Other weights have other gradients.
// RUN: %t.body train --copy-task --steps 6 --lr 0.004 --save %t.w
// RUN: %t.body grad --init %t.w --batch %t.bin --out %t.g5
// RUN: not cmp -s %t.g1 %t.g5
