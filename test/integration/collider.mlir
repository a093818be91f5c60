// Gradients of kept tokens alone against an oracle: central differences of a loss in which keys and values of dropped tokens are
// constants, in NumPy; the same bits however it is computed.
// REQUIRES: numpy
// DEFINE: %{model} = %S/../Inputs/collider.mlir
// DEFINE: %{grad} = grad --init %t.p --batch %t.bin
// DEFINE: %{check} = %python-numpy %S/collider.py check %t.p %t.bin
// RUN: nanochat-opt %{model} --target=native --emit=exe -o %t.exe
// RUN: %t.exe train --copy-task --steps 0 --save-init %t.p --seed 3
// RUN: %python %S/make_batch.py 48 31 %t.bin
// RUN: %t.exe %{grad} --out %t.g && %{check} %t.g 8 | FileCheck %s
// CHECK: 16 values, worst
// Keys and values of all tokens with gradients, dropped keys left out of those of queries, and a mean over all tokens are others.
// RUN: not %{check} %t.g 8 open && not %{check} %t.g 8 blind && not %{check} %t.g 8 masked

// RUN: %t.exe %{grad} --threads 2 --out %t.g2 && cmp %t.g %t.g2
// RUN: nanochat-opt %{model} --set recompute=nothing --target=native --emit=exe -o %t.other && %t.other %{grad} --out %t.g2 && %python %S/compare_safetensors.py %t.g %t.g2 0
// RUN: nanochat-opt %{model} --set recompute=body --target=native --emit=exe -o %t.other && %t.other %{grad} --out %t.g2 && %python %S/compare_safetensors.py %t.g %t.g2 0

// All tokens are no tokens less: the program without a filter.
// RUN: nanochat-opt %{model} --set keep=1.0 --target=native --stop-after=optimize | grep -v 'objective\|nanochat.program' > %t.all
// RUN: sed 's/ filter(.*)$//' %{model} > %t.mlir && nanochat-opt %t.mlir --target=native --stop-after=optimize | grep -v 'objective\|nanochat.program' | diff %t.all -

// Micro-batches keep the same rows.
// RUN: nanochat-opt %{model} --set batch=1,accum=2 --target=native --emit=exe -o %t.two
// RUN: %t.two %{grad} --out %t.g2 && %python %S/compare_safetensors.py %t.g %t.g2 1e-5 loss grad.embed grad.layers.norm1 grad.layers.q grad.layers.k grad.layers.down grad.exit.w

// Kernels of attention around the edges of blocks: one token kept, one dropped, both in several blocks.
// DEFINE: %{sizes} = seq=130,keep=0.001
// DEFINE: %{step} = rm -rf %t.d && nanochat-opt %{model} --set d=12,ffn=24,%{sizes} --target=native --emit=exe -o %t.exe && \
// DEFINE:   %t.exe train --copy-task --steps 1 --eval-every 0 --dump-dispatches %t.d && \
// DEFINE:   nanochat-opt %{model} --set d=12,ffn=24,%{sizes} --target=native --check-dispatches=%t.d --check-gradients=%t.d | FileCheck %s --check-prefix=STEP
// STEP: , 0 errors
// STEP: check-gradients: 17 results
// RUN: %{step}
// REDEFINE: %{sizes} = seq=130,keep=0.99
// RUN: %{step}
// REDEFINE: %{sizes} = seq=133,keep=0.5,heads=1,d=20
// RUN: %{step}
// REDEFINE: %{sizes} = seq=5,keep=0.5,kv_heads=2
// RUN: %{step}
// RUN: rm -rf %t.d
