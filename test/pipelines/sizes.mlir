// A model with sizes prints and parses back as it was said, and in generic form.
// RUN: nanochat-opt %S/../Inputs/sized.mlir -o %t.1 && nanochat-opt %t.1 -o %t.2 && cmp %t.1 %t.2 && FileCheck %s --check-prefix=TEXT --input-file=%t.2
// RUN: nanochat-opt %S/../Inputs/sized.mlir --mlir-print-op-generic | nanochat-opt -o %t.3 && cmp %t.1 %t.3
// TEXT: nanochat.model @sized sizes {batch = 2, seq = 8, vocab = 257, layers = 2, d = 12, heads = 3, head = d / heads, ffn = up(d * 8 / 3, max(8, heads))} settings {deviation = 2.000000e-02, scale = sqrt(d), policy = cheap, lr = 1.000000e-01, warmup = 5} presets {small {}, large {d = 24, deviation = 1.000000e-02, policy = body}} {
// TEXT: nanochat.tokens batch = batch seq = seq{{$}}
// TEXT: nanochat.param "layers.w" normal(deviation) role "matrix" stack "layers" [layers, ffn, d]
// TEXT: nanochat.rope_table seq = seq dim = head{{$}}
// TEXT: nanochat.number scale{{$}}
// TEXT: nanochat.loop "layers" = layers carry(%{{[^:]*}}) slice(%{{[^:]*}}) recompute(policy) {
// TEXT: nanochat.linear %{{.*}}, %{{.*}} bias %{{[^:]*$}}
// TEXT: arith.addf %{{.*}}, %{{.*}} : tensor<?xf32>
// TEXT: nanochat.yield %{{[^:]*$}}
// TEXT: nanochat.wsd %{{[^:]*}} warmup = warmup{{$}}
// TEXT: grad_scale(%{{[^:]*$}}

// The stage `model` leaves plain numbers and types, of the first preset.
// RUN: nanochat-opt %S/../Inputs/sized.mlir --nanochat-set-sizes | FileCheck %s --check-prefix=SMALL
// SMALL: nanochat.sizes = {accum = 1 : i64, batch = 2 : i64, layers = 2 : i64, seq = 8 : i64}
// SMALL: nanochat.model @sized_small {
// SMALL: nanochat.tokens batch = 2 seq = 8
// SMALL: "layers.w" normal(2.000000e-02) role "matrix" stack "layers" : tensor<2x32x12xf32>
// SMALL: nanochat.rope_table seq = 8 dim = 4 : tensor<8x2xf32>
// SMALL: arith.constant dense<3.46410155> : tensor<f32>
// SMALL: nanochat.loop "layers" = 2 carry({{.*}} : tensor<16x12xf32>) slice({{.*}} : tensor<2x32x12xf32>, {{.*}} : tensor<2x32xf32>, {{.*}} : tensor<2x12x32xf32>) recompute(cheap)
// SMALL: nanochat.linear %{{.*}} : tensor<16x12xf32>, tensor<32x12xf32> bias tensor<32xf32>
// SMALL: warmup = 5 : tensor<f32>

// A preset, then what is set; what follows from neither follows from them. A scale of 1 is none.
// RUN: nanochat-opt %S/../Inputs/sized.mlir --nanochat-set-sizes="preset=large sizes=heads=2,layers=3,scale=1" | FileCheck %s --check-prefix=LARGE
// LARGE: nanochat.model @sized_large {
// LARGE: "layers.w" normal(1.000000e-02) role "matrix" stack "layers" : tensor<3x64x24xf32>
// LARGE: nanochat.rope_table seq = 8 dim = 12 : tensor<8x6xf32>
// LARGE-NOT: arith.constant
// LARGE-NOT: nanochat.scale
// LARGE: nanochat.loop "layers" = 3 carry(%{{.*}} = %{{.*}} : tensor<16x24xf32>) {{.*}} recompute(body)

// It trains.
// RUN: nanochat-opt %S/../Inputs/sized.mlir --target=native --set d=20,heads=5 --set layers=1,lr=0.5 --emit=exe -o %t.exe
// RUN: %t.exe train --copy-task --steps 2 --eval-every 0 --threads 1 | FileCheck %s --check-prefix=TRAIN
// RUN: %t.exe info | FileCheck %s --check-prefix=INFO
// TRAIN: model sized (
// INFO: scalars lr=0.5
