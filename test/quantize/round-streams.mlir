// A loop that hands on activations in bf16, in the forward pass too: whatever it recomputes, the bits are the same.
// RUN: nanochat-opt %s --nanochat-round-streams="streams=layers=bf16" | FileCheck %s
// CHECK-LABEL: nanochat.model @m
// CHECK: %[[R:.*]] = arith.truncf %{{.*}} : tensor<4x8xf32> to tensor<4x8xbf16>
// CHECK: %[[L:.*]]:2 = nanochat.loop "layers" = 2 carry(%[[B:.*]] = %[[R]] : tensor<4x8xbf16>, %[[N:.*]] = %{{.*}} : tensor<f32>)
// CHECK: %[[X:.*]] = arith.extf %[[B]] : tensor<4x8xbf16> to tensor<4x8xf32>
// CHECK: %[[Y:.*]] = nanochat.linear %[[X]]
// CHECK: %[[Z:.*]] = arith.truncf %[[Y]]
// CHECK: nanochat.yield %[[Z]], %{{.*}} : tensor<4x8xbf16>, tensor<f32>
// CHECK: arith.extf %[[L]]#0 : tensor<4x8xbf16> to tensor<4x8xf32>

nanochat.model @m {
  %tokens, %targets = nanochat.tokens batch = 1 seq = 4
  %E = nanochat.param "embed" normal(0.5) role "embedding" : tensor<16x8xf32>
  %W = nanochat.param "layers.w" normal(0.5) role "matrix" stack "layers" : tensor<2x8x8xf32>
  %none = arith.constant dense<0.0> : tensor<f32>
  %h = nanochat.embedding %tokens, %E : tensor<4xi32>, tensor<16x8xf32>
  %y, %n = nanochat.loop "layers" = 2 carry(%x = %h : tensor<4x8xf32>, %n = %none : tensor<f32>) slice(%w = %W : tensor<2x8x8xf32>) {
    %z = nanochat.linear %x, %w : tensor<4x8xf32>, tensor<8x8xf32>
    nanochat.yield %z, %n : tensor<4x8xf32>, tensor<f32>
  }
  %loss, %nll = nanochat.linear_cross_entropy %y, %E, %targets : tensor<4x8xf32>, tensor<16x8xf32>, tensor<4xi32>
  nanochat.objective "train" %loss : tensor<f32>
} update {
  %lr = nanochat.scalar "lr" = 1.0e-3 : tensor<f32>
  %wd = nanochat.scalar "weight_decay" = 0.0 : tensor<f32>
  nanochat.optimizer "adamw" for ["embedding", "matrix"] lr(%lr) weight_decay(%wd) : tensor<f32>, tensor<f32>
}

// RUN: nanochat-opt %s --target=native --stream=layers=bf16 --recompute=layers=nothing --emit=exe -o %t.1 && %t.1 train --copy-task --steps 3 --eval-every 0 --save %t.w1
// RUN: nanochat-opt %s --target=native --stream=layers=bf16 --recompute=layers=body --emit=exe -o %t.2 && %t.2 train --copy-task --steps 3 --eval-every 0 --save %t.w2
// RUN: %python %S/../integration/compare_safetensors.py %t.w1 %t.w2 0
// Another model than without, by as much as bf16 rounds.
// RUN: nanochat-opt %s --target=native --emit=exe -o %t.3 && %t.3 train --copy-task --steps 3 --eval-every 0 --save %t.w3
// RUN: not %python %S/../integration/compare_safetensors.py %t.w1 %t.w3 1e-7
// RUN: %python %S/../integration/compare_safetensors.py %t.w1 %t.w3 2e-3

// RUN: not nanochat-opt %s --target=native --stream=layer=bf16 --plan 2>&1 | FileCheck %s --check-prefix=LOOP
// LOOP: error: --stream=layer=bf16: the model has no loop 'layer', did you mean 'layers'?
// LOOP: note: its loops are layers
// RUN: not nanochat-opt %s --target=native --stream=layers=f16 --plan 2>&1 | FileCheck %s --check-prefix=FORMAT
// FORMAT: error: --stream=layers=f16: expected loop=bf16
