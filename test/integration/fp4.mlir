// A looped model whose layers have gradients in four-bit floats: a recorded step against the reference, codes and scales as well.
// DEFINE: %{row} = native
// DEFINE: %{format} = mxfp4
// DEFINE: %{sizes} = batch=1,seq=64,n_loops=2,layers=1,accum=2
// DEFINE: %{check} = rm -rf %t.d && nanochat-opt %models/looplm.mlir --target=%{row} --set %{sizes} --backward=%{format} --emit=exe -o %t.exe && \
// DEFINE:   %t.exe train --copy-task --steps 1 --dump-dispatches %t.d && \
// DEFINE:   nanochat-opt %models/looplm.mlir --target=%{row} --set %{sizes} --backward=%{format} --check-dispatches=%t.d --check-gradients=%t.d | FileCheck %s
// RUN: %{check}
// CHECK: , 0 errors
// CHECK: check-gradients: 19 results, worst relative L2 error {{.*}}e-0{{[67]}}
// REDEFINE: %{format} = nvfp4
// REDEFINE: %{row} = x86-64-v3
// RUN: %if avx2 %{ %{check} %}
// RUN: rm -rf %t.d

// A region is what the option says of all its linears. Threads, what is recomputed and a stop on the way change no bit; the seed does.
// DEFINE: %{small} = batch=2,seq=32,n_loops=2,layers=2
// DEFINE: %{run} = train --copy-task --eval-every 0 --schedule-steps 4
// RUN: nanochat-opt %models/looplm.mlir --backward=mxfp4 --target=native --set %{small} --emit=exe -o %t.exe
// RUN: nanochat-opt %models/looplm-fp4.mlir --target=native --set %{small},recompute=body --emit=exe -o %t.region
// RUN: nanochat-opt %models/looplm-fp4.mlir --target=native --set %{small},recompute=nothing --emit=exe -o %t.all
// RUN: %t.exe %{run} --steps 4 --threads 1 --save %t.a
// RUN: %t.region %{run} --steps 4 --threads 2 --save %t.b && %python %S/compare_safetensors.py %t.a %t.b 0
// RUN: %t.all %{run} --steps 4 --threads 3 --save %t.b && %python %S/compare_safetensors.py %t.a %t.b 0
// RUN: rm -rf %t.d && %t.exe %{run} --steps 2 --checkpoints %t.d && %t.exe %{run} --steps 4 --checkpoints %t.d --resume auto --save %t.b && cmp %t.a %t.b
// RUN: rm -rf %t.d && %t.exe %{run} --steps 4 --seed 1 --save %t.b && not cmp -s %t.a %t.b

// The gate learns by no gradient of a linear: the same bits as without a region.
// RUN: nanochat-opt %models/looplm.mlir --target=native --set %{small} --emit=exe -o %t.plain
// RUN: %t.plain %{run} --phase gate --steps 2 --save %t.a && %t.exe %{run} --phase gate --steps 2 --save %t.b && %python %S/compare_safetensors.py %t.a %t.b 0

// Sizes that blocks do not divide, and formats that are none.
// RUN: not nanochat-opt %models/looplm-fp4.mlir --target=native --set batch=1,seq=48 2>&1 | FileCheck %s --check-prefix=TOKENS
// TOKENS: looplm-fp4.mlir:{{[0-9]+}}:{{[0-9]+}}: error: 'nanochat.ternary_linear' op has 48 tokens, which blocks of 64 of its gradients do not divide
// TOKENS: note: the nearest that fit are 64; models take sizes by --set
// RUN: not nanochat-opt %models/looplm-fp4.mlir --target=native --set group=32 2>&1 | FileCheck %s --check-prefix=GROUPS
// GROUPS: error: 'nanochat.ternary_linear' op has weights scaled in groups, whose gradients are products of f32
// RUN: not nanochat-opt %models/looplm.mlir --target=native --backward=fp5 2>&1 | FileCheck %s --check-prefix=WORD
// WORD: error: --backward=fp5 is not known
// WORD-NEXT: note: it is auto, f32, int16, int8, mxfp4 or nvfp4
