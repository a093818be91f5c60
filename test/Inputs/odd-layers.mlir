// Layers whose numbers ranks cannot divide: seven, of 9797 weights each, ternary ones and dense ones, in two loops and behind
// them in one of their own.
nanochat.model @odd_layers sizes { batch = 12, seq = 16, accum = 1, layers = 7, d = 97, ffn = 101 } {
  %tokens, %targets = nanochat.tokens batch = batch seq = seq accum = accum
  %E = nanochat.param "embed" normal(0.1) role "embedding" [257, d]
  %g = nanochat.param "layers.norm" constant(1.0) role "norm" stack "layers" [layers, d]
  %U = nanochat.param "layers.up" normal(0.1) role "matrix" stack "layers" [layers, ffn, d]
  %D = nanochat.param "layers.down" normal(0.1) role "matrix" stack "layers" [layers, d, ffn]
  %h0 = nanochat.embedding %tokens, %E
  %h = nanochat.loop "n_loops" = 2 carry(%h = %h0) {
    %x = nanochat.loop "layers" = layers carry(%x = %h) slice(%n = %g, %u = %U, %d = %D) {
      %a = nanochat.rms_norm %x, %n
      %b = nanochat.ternary_linear %a, %u
      %c = nanochat.linear %b, %d
      %y = arith.addf %x, %c : tensor<?xf32>
      nanochat.yield %y
    }
    nanochat.yield %x
  }
  %last = nanochat.loop "layers" = layers carry(%x = %h) slice(%n = %g, %d = %D, %u = %U) {
    %a = nanochat.rms_norm %x, %n
    %b = nanochat.linear %a, %u
    %c = nanochat.linear %b, %d
    %y = arith.addf %x, %c : tensor<?xf32>
    nanochat.yield %y
  }
  %loss, %nll = nanochat.linear_cross_entropy %last, %E, %targets
  nanochat.objective "train" %loss
  nanochat.metric "nll" %nll
} update {
  %lr = nanochat.scalar "lr" = 0.003
  %wd = nanochat.scalar "weight_decay" = 0.0
  nanochat.optimizer "muon" for ["matrix"] lr(%lr) weight_decay(%wd)
  nanochat.optimizer "adamw" for ["embedding", "norm"] lr(%lr) weight_decay(%wd)
}
