// A small looped model of float linears, of whose tokens an objective keeps those with the highest loss in the last loop.
nanochat.model @collider sizes {
  batch = 2, seq = 12, accum = 1, vocab = 31, n_loops = 2, layers = 2, d = 8, heads = 2, kv_heads = 1, head = d / heads, ffn = 12
} settings {recompute = cheap, beta = 0.1, keep = 0.6} {
  %tokens, %targets = nanochat.tokens batch = batch seq = seq accum = accum
  %beta = nanochat.scalar "beta" = beta
  %E = nanochat.param "embed" normal(0.7) role "embedding" [vocab, d]
  %N1 = nanochat.param "layers.norm1" normal(1.0) role "norm" stack "layers" [layers, d]
  %Wq = nanochat.param "layers.q" normal(0.5) role "matrix" stack "layers" [layers, d, d]
  %Wk = nanochat.param "layers.k" normal(0.5) role "matrix" stack "layers" [layers, kv_heads * head, d]
  %Wv = nanochat.param "layers.v" normal(0.5) role "matrix" stack "layers" [layers, kv_heads * head, d]
  %Wo = nanochat.param "layers.o" normal(0.5) role "matrix" stack "layers" [layers, d, d]
  %N2 = nanochat.param "layers.norm2" normal(1.0) role "norm" stack "layers" [layers, d]
  %Wg = nanochat.param "layers.gate" normal(0.5) role "matrix" stack "layers" [layers, ffn, d]
  %Wu = nanochat.param "layers.up" normal(0.5) role "matrix" stack "layers" [layers, ffn, d]
  %Wd = nanochat.param "layers.down" normal(0.5) role "matrix" stack "layers" [layers, d, ffn]
  %Nf = nanochat.param "norm" normal(1.0) role "norm" [d]
  %gw = nanochat.param "exit.w" normal(0.5) role "gate" [d]
  %gb = nanochat.param "exit.b" constant(-1.0) role "gate" [1]

  %cos, %sin = nanochat.rope_table seq = seq dim = head theta = 1.0e4
  %h0 = nanochat.embedding %tokens, %E
  %zero = nanochat.token_constant 0.0 like %h0
  %none = nanochat.number 0.0
  %last = nanochat.last_step "n_loops" = n_loops
  %h, %s, %loss, %last_nll, %nll, %p = nanochat.loop "n_loops" = n_loops
      carry(%h = %h0, %survival = %zero, %sum = %none, %nll_prev = %zero) slice(%is_last = %last) {
    %x = nanochat.loop "layers" = layers carry(%x = %h)
        slice(%n1 = %N1, %wq = %Wq, %wk = %Wk, %wv = %Wv, %wo = %Wo, %n2 = %N2, %wg = %Wg, %wu = %Wu, %wd = %Wd)
        recompute(recompute) {
      %a = nanochat.rms_norm %x, %n1
      %q = nanochat.linear %a, %wq
      %k = nanochat.linear %a, %wk
      %v = nanochat.linear %a, %wv
      %qr = nanochat.rope %q, %cos, %sin heads = heads
      %kr = nanochat.rope %k, %cos, %sin heads = kv_heads
      %y, %lse = nanochat.attention %qr, %kr, %v heads = heads kv_heads = kv_heads seq = seq
      %o = nanochat.linear %y, %wo
      %x1 = arith.addf %x, %o : tensor<?xf32>
      %b = nanochat.rms_norm %x1, %n2
      %g = nanochat.linear %b, %wg
      %u = nanochat.linear %b, %wu
      %m = nanochat.swiglu %g, %u
      %down = nanochat.linear %m, %wd
      %x2 = arith.addf %x1, %down : tensor<?xf32>
      nanochat.yield %x2
    }
    %ht = nanochat.rms_norm %x, %Nf
    %z = nanochat.gate %ht, %gw, %gb
    %pt, %log_p, %next = nanochat.exit_step %z, %survival, %is_last
    %ce, %nll_t = nanochat.linear_cross_entropy %ht, %E, %targets weights %pt
    %entropy = nanochat.entropy %pt, %log_p
    %bonus = arith.mulf %beta, %entropy : tensor<?xf32>
    %step = arith.subf %ce, %bonus : tensor<?xf32>
    %total = arith.addf %sum, %step : tensor<?xf32>
    nanochat.yield %ht, %next, %total, %nll_t stack %nll_t, %pt
  }
  nanochat.objective "train" %loss filter(%last_nll keep = keep multiple = 1)
  nanochat.metric "nll" %nll
  nanochat.metric "exit_probability" %p
} update {
  %lr = nanochat.scalar "lr" = 0.1
  %wd = nanochat.scalar "weight_decay" = 0.0
  nanochat.optimizer "sgd" for ["embedding", "matrix", "norm", "gate"] lr(%lr) weight_decay(%wd)
}
