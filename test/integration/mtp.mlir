// Multi-token prediction: losses, metrics and gradients of every head, however the heads are written.
// REQUIRES: numpy
// DEFINE: %{inputs} = %S/../Inputs
// DEFINE: %{grad} = grad --init %t.p --batch %t.bin
// RUN: nanochat-opt %{inputs}/mtp.mlir --target=native --emit=exe -o %t.exe
// RUN: nanochat-opt %{inputs}/mtp-joint.mlir --target=native --emit=exe -o %t.joint
// RUN: sed 's/recompute(body)/recompute(nothing)/' %{inputs}/mtp.mlir > %t.mlir && nanochat-opt %t.mlir --target=native --emit=exe -o %t.all
// RUN: %python %S/make_batch.py 32 97 %t.bin
// RUN: %t.exe train --copy-task --steps 0 --save-init %t.p --seed 3
// RUN: %t.exe %{grad} --out %t.g && %python-numpy %S/mtp.py check %t.p %t.bin %t.g | FileCheck %s
// CHECK: 7 values, worst
// RUN: %python-numpy %S/mtp.py split %t.p %t.pj && %t.joint grad --init %t.pj --batch %t.bin --out %t.gj && %python-numpy %S/mtp.py same %t.g %t.gj
// RUN: %t.all %{grad} --threads 2 --out %t.ga && %python %S/compare_safetensors.py %t.g %t.ga 0
// Under a filter all heads have gradients of the same tokens.
// RUN: sed 's/"train" %all : !num/"train" %all filter(%nll keep = 0.5 multiple = 1) : !num, !tok/' %{inputs}/mtp.mlir > %t.mlir && nanochat-opt %t.mlir --target=native --emit=exe -o %t.kept
// RUN: %t.kept %{grad} --out %t.gk && %python-numpy %S/mtp.py check %t.p %t.bin %t.gk 4 && not %python-numpy %S/mtp.py check %t.p %t.bin %t.gk 8
// Heads that see no further than the next token are others.
// RUN: sed 's/dense<.1.0, 2.0, 3.0.>/dense<[1.0, 1.0, 1.0]>/' %{inputs}/mtp.mlir > %t.mlir && nanochat-opt %t.mlir --target=native --emit=exe -o %t.near
// RUN: %t.near %{grad} --out %t.gn && not %python-numpy %S/mtp.py check %t.p %t.bin %t.gn

// All words are as likely: 1.875 · ln 97, and each mean is over a head's own targets.
// RUN: sed 's/"embed" normal(0.5)/"embed" constant(0.0)/' %{inputs}/mtp.mlir > %t.mlir && nanochat-opt %t.mlir --target=native --emit=exe -o %t.zero
// RUN: %t.zero train --copy-task --steps 1 --log %t.jsonl && %python-numpy %S/mtp.py golden %t.jsonl
// Micro-batches average what their heads report.
// RUN: nanochat-opt %{inputs}/mtp.mlir --set accum=2 --target=native --emit=exe -o %t.two
// RUN: nanochat-opt %{inputs}/mtp.mlir --set batch=4 --target=native --emit=exe -o %t.one
// RUN: %t.one train --copy-task --steps 3 --eval-every 0 --log %t.one.jsonl
// RUN: %t.two train --copy-task --steps 3 --eval-every 0 --log %t.two.jsonl
// RUN: %python %S/compare_logs.py %t.one.jsonl %t.two.jsonl 1e-4

// What predicts is the model without its heads, bit for bit.
// DEFINE: %{small} = --set batch=1,seq=16,d=64,layers=1,n_loops=2 --target=native
// RUN: nanochat-opt %models/looplm-mtp.mlir %{small} --emit=exe -o %t.exe
// RUN: nanochat-opt %models/looplm.mlir %{small} --emit=exe -o %t.plain
// RUN: %t.exe train --copy-task --steps 2 --save %t.heads && %python-numpy %S/tied.py without %t.heads %t.trunk mtp.
// RUN: %t.exe generate --init %t.heads --prompt fn -n 12 > %t.with && %t.plain generate --init %t.trunk --prompt fn -n 12 > %t.without && cmp %t.with %t.without
// RUN: nanochat-opt %models/looplm-mtp.mlir %{small} --stop-after=differentiate | FileCheck %s --check-prefix=PREDICT
// PREDICT: @predict(
// PREDICT-NOT: nanochat.loop "mtp"
// PREDICT-NOT: targets_ahead
// PREDICT: return

// A step of ternary heads against the reference; emulated of those without attention, as bf16 that falls to the other side moves gradients of such a
// trunk by 3e-3.
// DEFINE: %{row} = native
// DEFINE: %{model} = %models/looplm-mtp.mlir --set batch=1,seq=32,n_loops=1,layers=1
// DEFINE: %{check} = rm -rf %t.d && nanochat-opt %{model} --target=%{row} --emit=exe -o %t.exe && %t.exe train --copy-task --steps 1 --eval-every 0 --dump-dispatches %t.d && \
// DEFINE:   nanochat-opt %{model} --target=%{row} --check-dispatches=%t.d --check-gradients=%t.d | FileCheck %s --check-prefix=STEP
// RUN: %{check}
// REDEFINE: %{row} = sm_90 --emulate
// REDEFINE: %{model} = %{inputs}/mtp.mlir
// RUN: %{check}
// REDEFINE: %{row} = sm_120 --emulate
// RUN: %{check}
// RUN: rm -rf %t.d
// STEP: , 0 errors

// RUN: sed 's/weights %own auxiliary/weights %own/' %{inputs}/mtp.mlir > %t.mlir && not nanochat-opt %t.mlir --target=native 2>&1 | FileCheck %s --check-prefix=MAIN
// MAIN: error: 'nanochat.model' op has 2 output heads that are not auxiliary; prediction needs one
// RUN: not nanochat-opt %models/looplm-mtp.mlir --set seq=3 --target=native 2>&1 | FileCheck %s --check-prefix=SHORT
// SHORT: looplm-mtp.mlir:{{[0-9]+}}:{{[0-9]+}}: error: 'nanochat.targets_ahead' op looks ahead by 3 in sequences of 3, of which none has such a target
