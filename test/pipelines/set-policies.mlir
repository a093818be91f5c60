// What a model keeps is an option, whatever the model says.
// RUN: nanochat-opt %models/looplm.mlir --target=x86-64-v3 --recompute=layers=body,n_loops=cheap --chunk=100 --stop-after=model | FileCheck %s
// CHECK: choices = "--recompute=layers=body,n_loops=cheap --chunk=100"
// CHECK: nanochat.loop "n_loops" = 4 {{.*}} recompute(cheap)
// CHECK: nanochat.loop "layers" = 3 {{.*}} recompute(body)
// CHECK: nanochat.linear_cross_entropy {{.*}} chunk = 100 :
// RUN: nanochat-opt %models/looplm.mlir --nanochat-set-sizes --nanochat-set-policies="recompute=layers=nothing" | FileCheck %s --check-prefix=PASS
// PASS: nanochat.loop "layers" = 3
// PASS-NOT: recompute(

// RUN: not nanochat-opt %models/looplm.mlir --target=native --recompute=layer=body --plan 2>&1 | FileCheck %s --check-prefix=LOOP
// LOOP: looplm.mlir:[[#]]:[[#]]: error: --recompute=layer=body: the model has no loop 'layer', did you mean 'layers'?
// LOOP: note: its loops are layers, n_loops
// RUN: not nanochat-opt %models/looplm.mlir --target=native --recompute=layers=boddy --plan 2>&1 | FileCheck %s --check-prefix=WORD
// WORD: error: --recompute=layers=boddy: expected loop=policy, and policies are nothing, cheap and body, did you mean 'body'?
// RUN: not nanochat-opt %models/looplm.mlir --target=native --chunk=0 --plan 2>&1 | FileCheck %s --check-prefix=CHUNK
// CHUNK: error: --chunk=0 is no number of tokens
