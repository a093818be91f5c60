// Four-bit floats on GPUs, through products of what they stand for: a recorded step of emulated kernels against the reference.
// DEFINE: %{options} = --target=sm_90 --emulate --set batch=1,seq=64,n_loops=1,layers=1 --backward=mxfp4
// RUN: rm -rf %t.d && nanochat-opt %models/looplm.mlir %{options} --emit=exe -o %t.exe && %t.exe train --copy-task --steps 1 --eval-every 0 --dump-dispatches %t.d
// RUN: nanochat-opt %models/looplm.mlir %{options} --check-dispatches=%t.d --check-gradients=%t.d | FileCheck %s
// RUN: rm -rf %t.d
// CHECK: , 0 errors
// CHECK: check-gradients: 19 results
