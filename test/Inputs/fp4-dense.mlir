// One dense linear in four-bit floats between an embedding and a head, and another behind it whose own product stays in floats.
nanochat.model @dense sizes {batch = 1, seq = 128, accum = 1, vocab = 96, d = 128, hidden = 160} {
  %tokens, %targets = nanochat.tokens batch = batch seq = seq accum = accum
  %E = nanochat.param "embed" normal(1.0) role "embedding" [vocab, d]
  %A = nanochat.param "a" normal(0.1) role "matrix" [hidden, d]
  %B = nanochat.param "b" normal(0.1) role "matrix" [d, hidden]
  %U = nanochat.param "head" normal(0.1) role "embedding" [vocab, d]
  %x = nanochat.embedding %tokens, %E
  %h, %z = nanochat.fp4_region format = mxfp4 gemms = [y, dx] rounding = nearest {
    %h = nanochat.linear %x, %A
    %z = nanochat.fp4_region format = mxfp4 rounding = nearest {
      %z = nanochat.linear %h, %B
      nanochat.yield %z
    }
    nanochat.yield %h, %z
  }
  %loss, %nll = nanochat.linear_cross_entropy %z, %U, %targets
  nanochat.objective "train" %loss
  nanochat.metric "nll" %nll
} update {
  %lr = nanochat.scalar "lr" = 0.01
  %none = nanochat.scalar "weight_decay" = 0.0
  nanochat.optimizer "sgd" for ["matrix", "embedding"] lr(%lr) weight_decay(%none)
}
