// Token filtering in whole models: a recorded step against the reference, on this machine and emulated, whose rows have dense gradients of
// attention; streams, further heads, four-bit floats, projected gradients and micro-batches under a filter.
// DEFINE: %{row} = native
// DEFINE: %{model} = looplm
// DEFINE: %{options} = --set batch=2,seq=40,d=64,n_loops=2,layers=1,keep=0.5
// DEFINE: %{check} = rm -rf %t.d && nanochat-opt %models/%{model}.mlir --target=%{row} %{options} --emit=exe -o %t.exe && \
// DEFINE:   %t.exe train --copy-task --steps 1 --eval-every 0 --dump-dispatches %t.d && \
// DEFINE:   nanochat-opt %models/%{model}.mlir --target=%{row} %{options} --check-dispatches=%t.d --check-gradients=%t.d | FileCheck %s
// CHECK: , 0 errors
// CHECK: check-gradients:
// RUN: %{check}
// REDEFINE: %{options} = --set batch=2,seq=70,d=64,n_loops=1,layers=1,keep=0.8 --backward=f32 --optimizer=matrix=galore:rank=16:clip=projected
// RUN: %{check}
// REDEFINE: %{options} = --set batch=2,seq=33,d=64,n_loops=1,layers=1,keep=0.3,accum=2
// REDEFINE: %{model} = looplm-mtp
// RUN: %{check}
// REDEFINE: %{model} = looplm-mhc
// RUN: %{check}
// REDEFINE: %{options} = --set batch=1,seq=256,d=64,n_loops=1,layers=1,keep=0.5
// REDEFINE: %{model} = looplm-fp4
// RUN: %{check}
// REDEFINE: %{row} = sm_90 --emulate
// REDEFINE: %{options} = --set batch=1,seq=32,n_loops=1,layers=1,keep=0.5
// REDEFINE: %{model} = looplm-mhc
// RUN: %{check}
// REDEFINE: %{row} = sm_120 --emulate
// REDEFINE: %{model} = looplm
// RUN: %{check}
// RUN: rm -rf %t.d

// The phase of the gate is never filtered, and learns what it learns without.
// DEFINE: %{small} = batch=2,seq=33,d=64,n_loops=2,layers=1
// DEFINE: %{train} = train --copy-task --eval-every 0
// DEFINE: %{run} = %{train} --steps 3
// RUN: nanochat-opt %models/looplm.mlir --target=native --set %{small},keep=0.5 --emit=exe -o %t.exe
// RUN: nanochat-opt %models/looplm.mlir --target=native --set %{small} --emit=exe -o %t.plain
// RUN: %t.exe %{run} --phase gate --save %t.a && %t.plain %{run} --phase gate --save %t.b && %python %S/compare_safetensors.py %t.a %t.b 0
// RUN: %t.exe %{run} --save %t.a && %t.plain %{run} --save %t.b && not %python %S/compare_safetensors.py %t.a %t.b 0
// As a run that stops and goes on, on other threads.
// RUN: rm -rf %t.ck && %t.exe %{train} --steps 2 --schedule-steps 3 --checkpoints %t.ck --threads 1
// RUN: %t.exe %{run} --checkpoints %t.ck --resume auto --threads 2 --save %t.b && cmp %t.a %t.b

// Multi-token heads have the rows of the main one; what plans say of it.
// RUN: nanochat-opt %models/looplm-mtp.mlir --set keep=0.6 --target=native --plan | FileCheck %s --check-prefix=PLAN
// PLAN: FLOPs per token, training
// PLAN-NEXT: without a filter {{.*}} a filter saves {{[0-9.]+}} %
// PLAN-NEXT: tokens of a sequence with gradients {{ *}}160   gradients of attention are of kept tokens
// RUN: nanochat-opt %models/looplm.mlir --set keep=0.6 --target=sm_90 --plan | FileCheck %s --check-prefix=GPU
// GPU: with gradients {{ *}}160   gradients of attention are of all tokens: GPUs have no kernel of kept ones
// RUN: nanochat-opt %models/looplm.mlir --target=native --plan | FileCheck %s --check-prefix=NONE
// NONE: FLOPs per token, training
// NONE-NOT: filter

// RUN: not nanochat-opt %models/looplm.mlir --set keep=0.0 --target=native 2>&1 | FileCheck %s --check-prefix=ZERO
// ZERO: looplm.mlir:{{[0-9]+}}:{{[0-9]+}}: error: {{.*}}keep{{.*}}above zero and at most one
// RUN: sed 's/%loss filter/%weight filter/; s/nanochat.objective "train"/%one_w = nanochat.number 1.0 %weight = arith.mulf %one_w, %one_w : tensor<?xf32> &/' %models/looplm.mlir > %t.mlir
// RUN: not nanochat-opt %t.mlir --set keep=0.5 --target=native 2>&1 | FileCheck %s --check-prefix=LOSS
// LOSS: error: 'nanochat.objective' op filters tokens, and none has a part in its loss
