// As check-dispatches-ternary.mlir with a width of 36, an inner width of 53 and sequences of 33: no vector fits.
// DEFINE: %{row} = native
// DEFINE: %{sizes} = batch=3,seq=33,n_loops=3,layers=1
// DEFINE: %{check} = rm -rf %t.d && nanochat-opt %t.mlir --target=%{row} --set %{sizes} --emit=exe -o %t.exe && \
// DEFINE:   %t.exe train --copy-task --steps 1 --seed 1 --dump-dispatches %t.d && \
// DEFINE:   nanochat-opt %t.mlir --target=%{row} --set %{sizes} --check-dispatches=%t.d --check-gradients=%t.d | FileCheck %s
// RUN: sed -e 's/x128x/x36x/g; s/x128xf/x36xf/g; s/<128x/<36x/g; s/x352x/x53x/g; s/<352x/<53x/g; s/dim = 64/dim = 18/; s/tensor<64x32xf32>/tensor<64x9xf32>/' %models/copy-tiny.mlir > %t.mlir
// RUN: %{check}
// REDEFINE: %{row} = x86-64-v3
// RUN: %if avx2 %{ %{check} %}
// RUN: rm -rf %t.d

// CHECK: 0 errors
// CHECK: rowwise {{.*}} {{[1-9][0-9]*}} integer and
// CHECK: check-gradients: 19 results
