// Gradients in 8 bits: a recorded step against a reference that rounds where the target does.
// DEFINE: %{row} = native
// DEFINE: %{options} = --set batch=1,seq=33,n_loops=2,layers=1 --backward=int8
// DEFINE: %{check} = rm -rf %t.d && nanochat-opt %models/looplm.mlir --target=%{row} %{options} --emit=exe -o %t.exe && \
// DEFINE:   %t.exe train --copy-task --steps 1 --dump-dispatches %t.d && \
// DEFINE:   nanochat-opt %models/looplm.mlir --target=%{row} %{options} --check-dispatches=%t.d --check-gradients=%t.d | FileCheck %s
// RUN: %{check}
// REDEFINE: %{row} = x86-64-v3
// RUN: %if avx2 %{ %{check} %}
// RUN: rm -rf %t.d
// CHECK: , 0 errors
// CHECK: check-gradients: 19 results
