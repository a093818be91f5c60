// Four-bit floats on GPUs, as tensor cores multiply them and through products of what they stand for: a recorded step of emulated kernels
// against the reference.
// DEFINE: %{row} = sm_120
// DEFINE: %{format} = mxfp4
// DEFINE: %{options} = --target=%{row} --emulate --set batch=1,seq=64,n_loops=1,layers=1 --backward=%{format}
// DEFINE: %{check} = rm -rf %t.d && nanochat-opt %models/looplm.mlir %{options} --emit=exe -o %t.exe && %t.exe train --copy-task --steps 1 --eval-every 0 --dump-dispatches %t.d && \
// DEFINE:   nanochat-opt %models/looplm.mlir %{options} --check-dispatches=%t.d --check-gradients=%t.d | FileCheck %s
// RUN: %{check}
// REDEFINE: %{row} = sm_90
// REDEFINE: %{format} = nvfp4
// RUN: %{check}
// RUN: rm -rf %t.d
// CHECK: , 0 errors
// CHECK: check-gradients: 19 results
