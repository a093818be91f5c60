// What sizes can say of a model, in a small one.
nanochat.model @sized sizes {
  batch = 2, seq = 8, vocab = 257, layers = 2, d = 12, heads = 3,
  head = d / heads, ffn = up(d * 8 / 3, max(8, heads))
} settings {
  deviation = 0.02, scale = sqrt(d), policy = cheap, lr = 0.1, warmup = 5
} presets {
  small {},
  large {d = 24, deviation = 0.01, policy = body}
} {
  %tokens, %targets = nanochat.tokens batch = batch seq = seq
  %table = nanochat.param "embed" normal(deviation) role "embedding" [vocab, d]
  %W = nanochat.param "layers.w" normal(deviation) role "matrix" stack "layers" [layers, ffn, d]
  %B = nanochat.param "layers.b" constant(0.0) role "norm" stack "layers" [layers, ffn]
  %V = nanochat.param "layers.v" normal(deviation) role "matrix" stack "layers" [layers, d, ffn]
  %cos, %sin = nanochat.rope_table seq = seq dim = head
  %e = nanochat.embedding %tokens, %table
  %s = nanochat.number scale
  %h = nanochat.scale %e, %s
  %y = nanochat.loop "layers" = layers carry(%x = %h) slice(%w = %W, %b = %B, %v = %V) recompute(policy) {
    %r = nanochat.rope %x, %cos, %sin heads = heads
    %u = nanochat.linear %r, %w bias %b
    %a = nanochat.gelu %u
    %z = nanochat.linear %a, %v
    %next = arith.addf %x, %z : tensor<?xf32>
    nanochat.yield %next
  }
  %loss, %nll = nanochat.linear_cross_entropy %y, %table, %targets
  nanochat.objective "train" %loss
  nanochat.metric "nll" %nll
} update {
  %step = nanochat.scalar "step" = 0.0
  %steps = nanochat.scalar "steps" = 1.0
  %peak = nanochat.scalar "lr" = lr
  %lr = nanochat.wsd %peak, %step, %steps warmup = warmup
  %wd = nanochat.scalar "weight_decay" = 0.0
  %norm = nanochat.scalar "grad_norm" = 0.0
  %clip = nanochat.clip_scale %norm
  nanochat.optimizer "sgd" for ["embedding", "matrix", "norm"] lr(%lr) weight_decay(%wd) grad_scale(%clip)
}
