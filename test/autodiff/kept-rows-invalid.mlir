// RUN: nanochat-opt %s --nanochat-differentiate -split-input-file -verify-diagnostics

nanochat.model @stacked {
  %tokens, %targets = nanochat.tokens batch = 1 seq = 4
  %E = nanochat.param "embed" normal(0.5) role "head" : tensor<7x3xf32>
  %w = nanochat.param "w" normal(0.5) role "head" : tensor<3xf32>
  %b = nanochat.param "b" normal(0.5) role "head" : tensor<1xf32>
  %e = nanochat.embedding %tokens, %E : tensor<4xi32>, tensor<7x3xf32>
  %zs = nanochat.loop "n" = 2 {
    %z = nanochat.gate %e, %w, %b : tensor<4x3xf32>, tensor<3xf32>, tensor<1xf32>
    nanochat.yield stack %z : tensor<4xf32> }
  // expected-error @+1 {{has no gradient of some tokens alone: not every row of it follows from the same row of its operands; leave out the objective's filter}}
  %square = arith.mulf %zs, %zs : tensor<2x4xf32>
  %again = nanochat.loop "n" = 2 slice(%s = %square : tensor<2x4xf32>) {
    nanochat.yield stack %s : tensor<4xf32> }
  %none = arith.constant dense<0.0> : tensor<4xf32>
  %last = nanochat.loop "n" = 2 carry(%x = %none : tensor<4xf32>) slice(%s = %again : tensor<2x4xf32>) {
    %sum = arith.addf %x, %s : tensor<4xf32>
    nanochat.yield %sum : tensor<4xf32> }
  %loss, %nll = nanochat.linear_cross_entropy %e, %E, %targets weights %last : tensor<4x3xf32>, tensor<7x3xf32>, tensor<4xi32>, tensor<4xf32>
  nanochat.objective "train" %loss filter(%nll keep = 0.5 multiple = 1) : tensor<f32>, tensor<4xf32>
} update {
  %lr = nanochat.scalar "lr" = 0.1 : tensor<f32>
  nanochat.optimizer "sgd" for ["head"] lr(%lr) weight_decay(%lr) : tensor<f32>, tensor<f32>
}

// -----

nanochat.model @token_param {
  %tokens, %targets = nanochat.tokens batch = 1 seq = 4
  %E = nanochat.param "embed" normal(0.5) role "head" : tensor<7x3xf32>
  // expected-error @+1 {{has a row for each token of the batch, and the objective's filter drops tokens}}
  %P = nanochat.param "positions" normal(0.5) role "head" : tensor<4x3xf32>
  %e = nanochat.embedding %tokens, %E : tensor<4xi32>, tensor<7x3xf32>
  %h = arith.addf %e, %P : tensor<4x3xf32>
  %loss, %nll = nanochat.linear_cross_entropy %h, %E, %targets : tensor<4x3xf32>, tensor<7x3xf32>, tensor<4xi32>
  nanochat.objective "train" %loss filter(%nll keep = 0.5 multiple = 1) : tensor<f32>, tensor<4xf32>
} update {
  %lr = nanochat.scalar "lr" = 0.1 : tensor<f32>
  nanochat.optimizer "sgd" for ["head"] lr(%lr) weight_decay(%lr) : tensor<f32>, tensor<f32>
}
