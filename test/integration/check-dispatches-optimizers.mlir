// As check-dispatches-ternary.mlir: 8-bit states, folded moments, signs; and projected gradients, whose bases and
// projections are formed in loops that may not run. A rank within that of the gradients: beyond it a basis is noise. Bases
// magnify how 16-bit codes are rounded, so their gradients are f32's.
// DEFINE: %{rules} =
// DEFINE: %{model} = %models/looplm.mlir
// DEFINE: %{options} = --target=native --set batch=1,seq=33,n_loops=2,layers=2,accum=2 %{rules}
// DEFINE: %{check} = rm -rf %t.d && nanochat-opt %{model} %{options} --emit=exe -o %t.exe && \
// DEFINE:   %t.exe train --copy-task --steps 1 --dump-dispatches %t.d && \
// DEFINE:   nanochat-opt %{model} %{options} --check-dispatches=%t.d --check-gradients=%t.d | FileCheck %s
// REDEFINE: %{rules} = --optimizer matrix=muon8 --optimizer embedding+norm=adamw8
// RUN: %{check}
// REDEFINE: %{rules} = --optimizer matrix=foam --optimizer embedding=foam:level=4 --optimizer norm=lion
// RUN: %{check}
// REDEFINE: %{rules} = --optimizer matrix=galore:rank=16:clip=projected:base=adam8 --backward=f32
// RUN: %{check}
// A width of 36 and an inner width of 53: blocks and runs that are not full.
// RUN: sed -e 's/x128x/x36x/g; s/x128xf/x36xf/g; s/<128x/<36x/g; s/x352x/x53x/g; s/<352x/<53x/g; s/dim = 64/dim = 18/; s/tensor<64x32xf32>/tensor<64x9xf32>/' %models/copy-tiny.mlir > %t.mlir
// REDEFINE: %{model} = %t.mlir
// REDEFINE: %{options} = --target=native --set batch=2,seq=33,n_loops=2,layers=1 %{rules}
// REDEFINE: %{rules} = --optimizer matrix=foam:level=3 --optimizer embedding=foam:level=5 --optimizer norm=adamw8
// RUN: %{check}
// REDEFINE: %{rules} = --optimizer matrix=muon8:block=300 --optimizer embedding=adamw8:block=37
// RUN: %{check}
// REDEFINE: %{rules} = --optimizer matrix=galore:rank=7:clip=projected:base=adam8:block=64 --backward=f32
// RUN: %{check}
// RUN: rm -rf %t.d

// CHECK: 0 errors
// CHECK: check-gradients:
