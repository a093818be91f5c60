// As check-dispatches-ternary.mlir for the wider model, of which one layer is enough.
// DEFINE: %{sizes} = batch=1,seq=33,n_loops=2,layers=1
// RUN: rm -rf %t.d && nanochat-opt %models/looplm.mlir --target=native --set %{sizes} --emit=exe -o %t.exe
// RUN: %t.exe train --copy-task --steps 1 --dump-dispatches %t.d
// RUN: nanochat-opt %models/looplm.mlir --target=native --set %{sizes} --check-dispatches=%t.d --check-gradients=%t.d | FileCheck %s
// RUN: rm -rf %t.d
// CHECK: 0 errors
// CHECK: check-gradients: 19 results
