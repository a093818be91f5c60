// RUN: nanochat-opt %s -split-input-file -verify-diagnostics

func.func @position_embedding_c1(%x: tensor<4x2xf32>, %t: tensor<3x2xf32>) {
  // expected-error@+1 {{expected a table of at least seq = 4 rows and 2 channels, found 'tensor<3x2xf32>'}}
  %y = nanochat.position_embedding %x, %t seq = 4 : tensor<4x2xf32>, tensor<3x2xf32>
  return
}

// -----
func.func @position_embedding_c2(%x: tensor<4x2xf32>, %t: tensor<3x2xf32>) {
  // expected-error@+1 {{the 4 tokens of 'tensor<4x2xf32>' are no whole number of sequences of 3}}
  %y = nanochat.position_embedding %x, %t seq = 3 : tensor<4x2xf32>, tensor<3x2xf32>
  return
}

// -----
func.func @position_embedding_grad_c1(%dy: tensor<4x2xf32>) {
  // expected-error@+1 {{the 4 tokens of 'tensor<4x2xf32>' are no whole number of sequences of 3}}
  %t = nanochat.position_embedding_grad %dy seq = 3 : tensor<4x2xf32> -> tensor<3x2xf32>
  return
}
