// RUN: nanochat-opt %s -split-input-file -verify-diagnostics

func.func @tokens(%tokens: tensor<4xi32>, %dy: tensor<5x3xf32>) { // embedding_grad-c1
  // expected-error @+1 {{expected tokens (N), dy (N, C) and dtable (V, C), found 'tensor<4xi32>', 'tensor<5x3xf32>' and 'tensor<7x3xf32>'}}
  %d = nanochat.embedding_grad %tokens, %dy : tensor<4xi32>, tensor<5x3xf32> -> tensor<7x3xf32>
  return
}
