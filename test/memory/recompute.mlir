// What each recompute policy keeps of a ternary LoopLM, N tokens, C channels, F of the MLP, T loops of L
// layers, H heads, in bytes, as --plan states it:
//   body     4·N·C·(T·(L+1) + 1)         what enters each layer, and the last output
//          + 4·N·C·T + 4·N·13            the head's gradient in each loop; survival, gates and losses per token
//          + 64·T                        which step is the last: numbers on a cache line each
//   cheap    + 4·N·T·L·(6·C + 2·F + H)   q, k, v, attention and its log-sums, the results of o, gate, up and down
//   nothing  + 4·N·T·L·(C + 4) + N·T·L·(3·C + F)   the sum between the sub-layers; int8 activations and their scales
// Here N = 2048, C = 256, F = 704, T = 4, L = 3, H = 4.
// RUN: nanochat-opt %models/looplm.mlir --set recompute=body --target=reference --plan | FileCheck %s --check-prefix=BODY
// RUN: nanochat-opt %models/looplm.mlir --target=reference --plan | FileCheck %s --check-prefix=CHEAP
// RUN: nanochat-opt %models/looplm.mlir --set recompute=nothing --target=reference --plan | FileCheck %s --check-prefix=NOTHING

// BODY: of which saved for gradients {{ *}}44,146,944
// CHEAP: of which saved for gradients {{ *}}333,947,136
// NOTHING: of which saved for gradients {{ *}}395,682,048
// NOTHING: saved {{ *}}train.gradients tensor<4x3x2048x704xi8>
// NOTHING: saved {{ *}}train.gradients tensor<4x3x2048x256xi8>
// NOTHING: saved {{ *}}train.gradients tensor<4x3x2048x256xi8>
// NOTHING: saved {{ *}}train.gradients tensor<4x3x2048x256xi8>
