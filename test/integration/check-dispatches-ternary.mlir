// A ternary LoopLM: codes are the same bits, gradients with the recorded codes agree. `odd` has a width of
// 36, an inner width of 53 and sequences of 33: no vector of any target fits.
// DEFINE: %{model} = %models/copy-tiny.mlir
// DEFINE: %{row} = native
// DEFINE: %{sizes} = batch=1
// DEFINE: %{check} = rm -rf %t.d && nanochat-opt %{model} --target=%{row} --set %{sizes} --emit=exe -o %t.exe && \
// DEFINE:   %t.exe train --copy-task --steps 1 --seed 1 --dump-dispatches %t.d && \
// DEFINE:   nanochat-opt %{model} --target=%{row} --set %{sizes} --check-dispatches=%t.d --check-gradients=%t.d | FileCheck %s
// RUN: %{check}
// RUN: sed -e 's/x128x/x36x/g; s/x128xf/x36xf/g; s/<128x/<36x/g; s/x352x/x53x/g; s/<352x/<53x/g; s/dim = 64/dim = 18/; s/tensor<64x32xf32>/tensor<64x9xf32>/' %models/copy-tiny.mlir > %t.odd.mlir
// REDEFINE: %{model} = %t.odd.mlir
// REDEFINE: %{sizes} = batch=3,seq=33,n_loops=3,layers=1
// RUN: %{check}
// REDEFINE: %{row} = x86-64-v3
// RUN: %if avx2 %{ %{check} %}
// RUN: rm -rf %t.d

// CHECK: 0 errors
// CHECK: rowwise {{.*}} {{[1-9][0-9]*}} integer and
// CHECK: check-gradients: 19 results
