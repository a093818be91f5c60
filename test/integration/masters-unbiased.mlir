// What is rounded by chance is right on average, and the same bits on every target. Rows of the table that no token names have no gradient, so a step leaves 1 − lr·decay of
// each: 0.999, which is 1 or 1 − 2⁻⁸ in bf16.
// REQUIRES: numpy
// RUN: nanochat-opt %s --target=native --masters=embedding=bf16 --emit=exe -o %t.1
// RUN: %t.1 train --copy-task --steps 1 --seed 7 --eval-every 0 --save %t.w1
// RUN: %python-numpy %S/masters.py mean %t.w1 %t.w1 0.999
// RUN: nanochat-opt %s --target=reference --masters=embedding=bf16 --emit=exe -o %t.2
// RUN: %t.2 train --copy-task --steps 1 --seed 7 --eval-every 0 --save %t.w2
// RUN: %python-numpy %S/masters.py table %t.w1 %t.w2
// RUN: nanochat-opt %s --target=x86-64-v3 --masters=embedding=bf16 --emit=exe -o %t.3
// RUN: %t.3 train --copy-task --steps 1 --seed 7 --eval-every 0 --save %t.w3
// RUN: %python-numpy %S/masters.py table %t.w1 %t.w3
// RUN: nanochat-opt %s --target=sm_90 --emulate --set batch=1 --masters=embedding=bf16 --emit=exe -o %t.4
// RUN: %t.4 train --copy-task --steps 1 --seed 7 --eval-every 0 --save %t.w4
// RUN: %python-numpy %S/masters.py table %t.w1 %t.w4
// Other seeds draw other numbers.
// RUN: %t.1 train --copy-task --steps 1 --seed 8 --eval-every 0 --save %t.w5
// RUN: not %python-numpy %S/masters.py table %t.w1 %t.w5

nanochat.model @m {
  %tokens, %targets = nanochat.tokens batch = 1 seq = 8
  %E = nanochat.param "embed" constant(1.0) role "embedding" : tensor<16384x64xf32>
  %W = nanochat.param "head" normal(0.02) role "head" : tensor<257x64xf32>
  %h = nanochat.embedding %tokens, %E : tensor<8xi32>, tensor<16384x64xf32>
  %loss, %nll = nanochat.linear_cross_entropy %h, %W, %targets : tensor<8x64xf32>, tensor<257x64xf32>, tensor<8xi32>
  nanochat.objective "train" %loss : tensor<f32>
} update {
  %lr = nanochat.scalar "lr" = 1.0 : tensor<f32>
  %wd = nanochat.scalar "weight_decay" = 1.0e-3 : tensor<f32>
  nanochat.optimizer "adamw" for ["embedding", "head"] lr(%lr) weight_decay(%wd) : tensor<f32>, tensor<f32>
}
