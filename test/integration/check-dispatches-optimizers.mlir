// As check-dispatches-ternary.mlir: 8-bit states, folded moments, signs; and projected gradients, whose bases and
// projections are formed in loops that may not run. A rank within that of the gradients: beyond it a basis is noise.
// DEFINE: %{rules} =
// DEFINE: %{options} = --target=native --set batch=1,seq=33,n_loops=2,layers=2,accum=2 %{rules}
// DEFINE: %{check} = rm -rf %t.d && nanochat-opt %models/looplm-tiny.mlir %{options} --emit=exe -o %t.exe && \
// DEFINE:   %t.exe train --copy-task --steps 1 --dump-dispatches %t.d && \
// DEFINE:   nanochat-opt %models/looplm-tiny.mlir %{options} --check-dispatches=%t.d --check-gradients=%t.d | FileCheck %s
// REDEFINE: %{rules} = --optimizer matrix=muon8 --optimizer embedding+norm=adamw8
// RUN: %{check}
// REDEFINE: %{rules} = --optimizer matrix=foam --optimizer embedding=foam:level=4 --optimizer norm=lion
// RUN: %{check}
// REDEFINE: %{rules} = --optimizer matrix=galore:rank=16:clip=projected:base=adam8
// RUN: %{check}
// RUN: rm -rf %t.d

// CHECK: 0 errors
// CHECK: check-gradients:
