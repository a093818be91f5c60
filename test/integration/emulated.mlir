// The kernels of NVIDIA rows, run by the emulator in a training step: codes are the reference's bits, floats within 1e-5, attention,
// which rounds probabilities to bf16, within 4e-3; gradients as a whole within 2e-3. A ternary loop, one whose sizes fit nothing, one
// whose gradients are sums over slices, dense models.
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
// 1056 tokens: gradients of weights are sums of two slices.
// REDEFINE: %{options} = --set batch=32,seq=33,n_loops=2,layers=1
// REDEFINE: %{checks} = --check-dispatches=%t.d --check-gradients=%t.d
// RUN: nanochat-opt %{model} --target=%{row} %{options} --stop-after=fuse | FileCheck %s --check-prefix=SLICES
// RUN: %{check}
// SLICES: func.func private @gemm_2x36x36

// Dense models: one with attention, of a layer and without the bias of keys, whose gradient is nothing but rounding. Roundings to bf16
// that fall to the other side let two layers differ by 2e-3 even between references in f32 and f64.
// RUN: sed -e 's/x3072/x384/g; s/3072x/384x/g; s/768/96/g; s/50257/257/g; s/= 12 kv_heads = 12/= 3 kv_heads = 3/; s/%%wk bias %%bk : !act, !att bias !vec/%%wk : !act, !att/; s/, %%bk = %%Bk : tensor<12x96xf32>//; /%%Bk = /d' %models/gpt2-124m.mlir > %t.gpt.mlir
// REDEFINE: %{model} = %t.gpt.mlir
// REDEFINE: %{data} = --data %S/../../dialect/ops --ext cpp
// REDEFINE: %{options} = --set batch=2,seq=65,layers=1
// RUN: %{check}
// REDEFINE: %{model} = %S/../Inputs/dense.mlir
// REDEFINE: %{options} = --set batch=3,seq=7
// RUN: %{check}
// REDEFINE: %{row} = sm_89
// RUN: %{check}
// REDEFINE: %{row} = sm_100
// RUN: %{check}
// REDEFINE: %{row} = sm_120
// RUN: %{check}
// RUN: rm -rf %t.d

// CHECK: , 0 errors
