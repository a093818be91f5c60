// What a step of the large model keeps: no logits of all tokens, no scores of all positions; of each layer
// what enters it, and if nothing is recomputed then the inputs of linears as int8 alone.
// RUN: nanochat-opt %models/looplm.mlir --preset=a --target=native --set batch=3 --set seq=336 --stop-after=plan -o %t.body
// RUN: %python %S/read_plan.py %t.body 3 336 50257 | FileCheck %s --check-prefix=BODY
// RUN: nanochat-opt %models/looplm.mlir --preset=a --target=native --set recompute=nothing,batch=3 --set seq=336 --stop-after=plan -o %t.nothing
// RUN: %python %S/read_plan.py %t.nothing 3 336 50257 | FileCheck %s --check-prefix=NOTHING
// A vocabulary so small that activations would count as logits.
// RUN: not %python %S/read_plan.py %t.body 3 336 5000

// BODY: kept 1 times 2048 x f32
// BODY-NOT: kept
// BODY: largest activation

// Entry, middle, queries, keys, values, attention, and what the two last norms take; gate and up. The
// normalised inputs of linears, the attention's result and the unit's are codes, with a scale per token.
// NOTHING: kept 4 times 1 x f32
// NOTHING: kept 1 times 16 x f32
// NOTHING: kept 8 times 2048 x f32
// NOTHING: kept 3 times 2048 x i8
// NOTHING: kept 2 times 5632 x f32
// NOTHING: kept 1 times 5632 x i8
// NOTHING-NOT: kept
// NOTHING: largest activation
