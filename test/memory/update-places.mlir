// A term of a gradient may live where the gradient ends, but not over a carried value that something still reads: what is carried and what is added lie
// apart where a body reads the one after it made the other. Losses and gradients agree with the reference's, which fuses nothing.
// RUN: nanochat-opt %s --target=native --emit=exe -o %t.1
// RUN: nanochat-opt %s --target=reference --emit=exe -o %t.2
// RUN: %python %S/../integration/make_batch.py 32 64 %t.bin
// RUN: %t.1 train --copy-task --steps 0 --save-init %t.i
// RUN: %t.1 grad --init %t.i --batch %t.bin --out %t.g1 && %t.2 grad --init %t.i --batch %t.bin --out %t.g2
// RUN: %python %S/../integration/compare_safetensors.py %t.g1 %t.g2 1e-4

nanochat.model @m {
  %tokens, %targets = nanochat.tokens batch = 2 seq = 8
  %E = nanochat.param "embed" normal(0.5) role "embedding" : tensor<64x8xf32>
  %P = nanochat.param "positions" normal(0.5) role "embedding" : tensor<16x8xf32>
  %W = nanochat.param "layers.w" normal(0.5) role "matrix" stack "layers" : tensor<3x8x8xf32>
  %e = nanochat.embedding %tokens, %E : tensor<16xi32>, tensor<64x8xf32>
  %h = arith.addf %e, %P : tensor<16x8xf32>
  %y = nanochat.loop "layers" = 3 carry(%x = %h : tensor<16x8xf32>) slice(%w = %W : tensor<3x8x8xf32>) {
    %t = math.tanh %x : tensor<16x8xf32>
    %z = nanochat.linear %x, %w : tensor<16x8xf32>, tensor<8x8xf32>
    %s = arith.addf %t, %z : tensor<16x8xf32>
    nanochat.yield %s : tensor<16x8xf32>
  }
  %loss, %nll = nanochat.linear_cross_entropy %y, %E, %targets : tensor<16x8xf32>, tensor<64x8xf32>, tensor<16xi32>
  nanochat.objective "train" %loss : tensor<f32>
} update {
  %lr = nanochat.scalar "lr" = 1.0e-3 : tensor<f32>
  %wd = nanochat.scalar "weight_decay" = 0.0 : tensor<f32>
  nanochat.optimizer "adamw" for ["embedding", "matrix"] lr(%lr) weight_decay(%wd) : tensor<f32>, tensor<f32>
}
