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
// RUN: rm -rf %t.d

// RUN: not nanochat-opt %models/looplm.mlir --target=native --head=int4 2>&1 | FileCheck %s --check-prefix=WORD
// WORD: error: --head=int4 is not known
// WORD-NEXT: note: it is f32 or int8
// RUN: not nanochat-opt %models/looplm.mlir --target=sm_90 --head=int8 2>&1 | FileCheck %s --check-prefix=GPU
// GPU: error: --head=int8 is not available on sm_90
// CHECK: , 0 errors
// CHECK: check-gradients: 19 results
