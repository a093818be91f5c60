// Parameters for bench/optimizers.sh: one matrix of 32 M elements for rules that go element by element, and hidden matrices
// of a LoopLM of width 1024.
nanochat.model @optimizers {
  %tokens, %targets = nanochat.tokens batch = 1 seq = 64
  %E = nanochat.param "embed" normal(0.02) role "embedding" : tensor<32768x1024xf32>
  %A = nanochat.param "square" normal(0.02) role "matrix" stack "layers" : tensor<4x1024x1024xf32>
  %B = nanochat.param "up" normal(0.02) role "matrix" stack "layers" : tensor<4x2816x1024xf32>
  %C = nanochat.param "down" normal(0.02) role "matrix" stack "layers" : tensor<4x1024x2816xf32>
  %h = nanochat.embedding %tokens, %E : tensor<64xi32>, tensor<32768x1024xf32>
  %ones = nanochat.token_constant 1.0 like %h : tensor<64x1024xf32>
  %x = nanochat.loop "layers" = 4 carry(%x = %h : tensor<64x1024xf32>)
      slice(%a = %A : tensor<4x1024x1024xf32>, %b = %B : tensor<4x2816x1024xf32>, %c = %C : tensor<4x1024x2816xf32>) {
    %p = nanochat.linear %x, %a : tensor<64x1024xf32>, tensor<1024x1024xf32>
    %q = nanochat.linear %p, %b : tensor<64x1024xf32>, tensor<2816x1024xf32>
    %r = nanochat.linear %q, %c : tensor<64x2816xf32>, tensor<1024x2816xf32>
    nanochat.yield %r : tensor<64x1024xf32>
  }
  %loss, %nll = nanochat.linear_cross_entropy %x, %E, %targets weights %ones
    : tensor<64x1024xf32>, tensor<32768x1024xf32>, tensor<64xi32>, tensor<64xf32>
  nanochat.objective "elements" %loss trains ["embedding"] : tensor<f32>
  nanochat.objective "matrices" %loss trains ["matrix"] : tensor<f32>
} update {
  %lr = nanochat.scalar "lr" = 1.0e-3 : tensor<f32>
  %wd = nanochat.scalar "weight_decay" = 0.1 : tensor<f32>
  nanochat.phase "fire" rule "fire" for ["matrix"]
  nanochat.optimizer "sgd" for ["embedding", "matrix"] lr(%lr) weight_decay(%wd) : tensor<f32>, tensor<f32>
}
