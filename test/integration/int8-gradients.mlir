// Gradients in 8 bits: a recorded step against a reference that rounds where the target does.
// DEFINE: %{row} = native
// DEFINE: %{head} = f32
// DEFINE: %{options} = --set batch=1,seq=33,n_loops=2,layers=1 --backward=int8 --head=%{head}
// DEFINE: %{check} = rm -rf %t.d && nanochat-opt %models/looplm.mlir --target=%{row} %{options} --emit=exe -o %t.exe && \
// DEFINE:   %t.exe train --copy-task --steps 1 --dump-dispatches %t.d && \
// DEFINE:   nanochat-opt %models/looplm.mlir --target=%{row} %{options} --check-dispatches=%t.d --check-gradients=%t.d | FileCheck %s
// RUN: %{check}
// REDEFINE: %{row} = x86-64-v3
// RUN: %if avx2 %{ %{check} %}
// REDEFINE: %{row} = native
// REDEFINE: %{head} = int8
// RUN: %{check}
// REDEFINE: %{options} = --set batch=1,seq=33,n_loops=2,layers=1 --backward=int8 --head=%{head} --rounding=stochastic
// RUN: %{check}
// REDEFINE: %{row} = x86-64-v3
// RUN: %if avx2 %{ %{check} %}
// RUN: rm -rf %t.d

// By chance: threads, what is recomputed and a stop on the way change no bit; rounding to nearest does.
// DEFINE: %{chance} = --backward=int8 --head=int8 --rounding=stochastic --target=native --set batch=2,seq=31,n_loops=2,layers=2
// DEFINE: %{run} = train --copy-task --eval-every 0 --schedule-steps 4
// RUN: nanochat-opt %models/looplm.mlir %{chance} --emit=exe -o %t.exe
// RUN: nanochat-opt %models/looplm.mlir %{chance},recompute=nothing --emit=exe -o %t.all
// RUN: %t.exe %{run} --steps 4 --threads 1 --save %t.a
// RUN: %t.exe %{run} --steps 4 --threads 2 --save %t.b && %python %S/compare_safetensors.py %t.a %t.b 0
// RUN: %t.all %{run} --steps 4 --threads 3 --save %t.b && %python %S/compare_safetensors.py %t.a %t.b 0
// RUN: rm -rf %t.d && %t.exe %{run} --steps 2 --checkpoints %t.d && %t.exe %{run} --steps 4 --checkpoints %t.d --resume auto --save %t.b && cmp %t.a %t.b
// RUN: nanochat-opt %models/looplm.mlir --backward=int8 --head=int8 --rounding=nearest --target=native --set batch=2,seq=31,n_loops=2,layers=2 --emit=exe -o %t.near
// RUN: rm -rf %t.d && %t.near %{run} --steps 4 --save %t.b && not cmp -s %t.a %t.b

// RUN: not nanochat-opt %models/looplm.mlir --target=native --head=int4 2>&1 | FileCheck %s --check-prefix=WORD
// WORD: error: --head=int4 is not known
// WORD-NEXT: note: it is f32 or int8
// RUN: not nanochat-opt %models/looplm.mlir --target=native --rounding=up 2>&1 | FileCheck %s --check-prefix=UP
// UP: error: --rounding=up is not known
// UP-NEXT: note: it is auto, stochastic or nearest
// RUN: not nanochat-opt %models/looplm.mlir --target=sm_90 --head=int8 2>&1 | FileCheck %s --check-prefix=GPU
// GPU: error: --head=int8 is not available on sm_90
// CHECK: , 0 errors
// CHECK: check-gradients: 19 results
