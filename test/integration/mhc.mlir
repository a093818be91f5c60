// Hyper-connections in a looped ternary model: a recorded step against the reference, on this machine and emulated, and the same bits whatever
// is recomputed, on any number of threads.
// DEFINE: %{row} = native
// DEFINE: %{options} = --set batch=1,seq=32,n_loops=1,layers=1
// DEFINE: %{check} = rm -rf %t.d && nanochat-opt %models/looplm-mhc.mlir --target=%{row} %{options} --emit=exe -o %t.exe && \
// DEFINE:   %t.exe train --copy-task --steps 1 --eval-every 0 --dump-dispatches %t.d && \
// DEFINE:   nanochat-opt %models/looplm-mhc.mlir --target=%{row} %{options} --check-dispatches=%t.d --check-gradients=%t.d | FileCheck %s
// RUN: %{check}
// REDEFINE: %{row} = sm_90 --emulate
// RUN: %{check}
// REDEFINE: %{row} = sm_120 --emulate
// RUN: %{check}
// RUN: rm -rf %t.d
// CHECK: , 0 errors
// CHECK: check-gradients: 25 results

// DEFINE: %{small} = --target=native --set batch=2,seq=17,n_loops=2,layers=2,d=64
// DEFINE: %{run} = train --copy-task --eval-every 0 --schedule-steps 3 --steps 3
// RUN: nanochat-opt %models/looplm-mhc.mlir %{small} --emit=exe -o %t.exe
// RUN: nanochat-opt %models/looplm-mhc.mlir %{small},recompute=nothing --emit=exe -o %t.all
// RUN: nanochat-opt %models/looplm-mhc.mlir %{small},recompute=body --emit=exe -o %t.body
// RUN: %t.exe %{run} --threads 1 --save %t.a
// RUN: %t.exe %{run} --threads 2 --save %t.b && %python %S/compare_safetensors.py %t.a %t.b 0
// RUN: %t.all %{run} --threads 3 --save %t.b && %python %S/compare_safetensors.py %t.a %t.b 0
// RUN: %t.body %{run} --threads 2 --save %t.b && %python %S/compare_safetensors.py %t.a %t.b 0

// Plain connections in its place, in micro-batches; and a rule that is not for coefficients.
// RUN: sed 's/coefficients sinkhorn/coefficients none/; s/numbers .*/numbers [1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0]/' %models/looplm-mhc.mlir > %t.mlir && nanochat-opt %t.mlir %{small},accum=2 --emit=exe -o %t.none && %t.none %{run}
// RUN: not nanochat-opt %models/looplm-mhc.mlir --target=native --optimizer hyper=galore 2>&1 | FileCheck %s --check-prefix=RULE
// RULE: error: {{.*}}projects gradients of role 'hyper'
