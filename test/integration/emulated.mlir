// The kernels of NVIDIA rows, run by the emulator in a training step: codes are the reference's bits, floats within 1e-5, attention,
// which rounds probabilities to bf16, within 4e-3; gradients of a dense model as a whole within 2e-3. A ternary loop, a dense model,
// a ternary loop whose sizes fit nothing.
// REQUIRES: unsanitized
// DEFINE: %{row} = sm_90
// DEFINE: %{model} = %models/copy-tiny.mlir
// DEFINE: %{options} = --set batch=1
// DEFINE: %{data} = --copy-task
// DEFINE: %{checks} = --check-dispatches=%t.d
// DEFINE: %{check} = rm -rf %t.d && nanochat-opt %{model} --target=%{row} --emulate %{options} --emit=exe -o %t.exe && \
// DEFINE:   %t.exe train %{data} --eval-every 0 --steps 1 --seed 1 --dump-dispatches %t.d && \
// DEFINE:   nanochat-opt %{model} --target=%{row} --emulate %{options} %{checks} | FileCheck %s
// RUN: %{check}
// RUN: sed -e 's/x128x/x36x/g; s/x128xf/x36xf/g; s/<128x/<36x/g; s/x352x/x53x/g; s/<352x/<53x/g; s/dim = 64/dim = 18/; s/tensor<64x32xf32>/tensor<64x9xf32>/' %models/copy-tiny.mlir > %t.odd.mlir
// REDEFINE: %{model} = %t.odd.mlir
// REDEFINE: %{options} = --set batch=3,seq=33,n_loops=3,layers=1
// RUN: %{check}
// REDEFINE: %{row} = sm_89
// RUN: %{check}
// REDEFINE: %{row} = sm_100
// RUN: %{check}
// REDEFINE: %{row} = sm_120
// RUN: %{check}
// REDEFINE: %{row} = sm_90
// REDEFINE: %{options} = --set batch=2,seq=33,n_loops=2,layers=1 --optimizer matrix=muon8 --optimizer embedding+norm=adamw8 --gemm-tile=128x64x2
// RUN: %{check}

// A dense model with attention, and gradients as a whole.
// RUN: sed -e 's/x3072/x384/g; s/3072x/384x/g; s/768/96/g; s/50257/257/g; s/= 12 kv_heads = 12/= 3 kv_heads = 3/; s/bias %%bk//; s/, %%bk = %%Bk : tensor<12x96xf32>//' %models/gpt2-124m.mlir > %t.gpt.mlir
// REDEFINE: %{model} = %S/../Inputs/dense.mlir
// REDEFINE: %{data} = --data %S/../../dialect/ops --ext cpp
// REDEFINE: %{options} = --set batch=3,seq=7
// REDEFINE: %{checks} = --check-dispatches=%t.d --check-gradients=%t.d
// RUN: %{check}
// RUN: rm -rf %t.d

// CHECK: , 0 errors
