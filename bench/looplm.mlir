// The looped model of the speed comparisons, of the width that --set d=384 or d=768 says: ternary layers, SwiGLU, a norm
// before every linear (subLN), a gate and a loss after each loop: the loss is the expected one over exits minus 0.1 times
// their entropy (Ouro), AdamW. Its structure is that of bench/peer_torch.py, not of models/looplm.mlir.
nanochat.model @looplm sizes {
  batch = 4, seq = 256, accum = 1,
  vocab = 8192, n_loops = 4, layers = 3,
  d = 384, heads = d / 64, ffn = up(d * 8 / 3, 64)
} settings {
  keep = 1.0 // of the tokens of a sequence, the share that has gradients
} {
  %tokens, %targets = nanochat.tokens batch = batch seq = seq accum = accum

  %E = nanochat.param "embed" normal(0.02) role "embedding" [vocab, d]
  %N1 = nanochat.param "layers.norm1" constant(1.0) role "norm" stack "layers" [layers, d]
  %Wq = nanochat.param "layers.q" normal(0.02) role "matrix" stack "layers" [layers, d, d]
  %Wk = nanochat.param "layers.k" normal(0.02) role "matrix" stack "layers" [layers, d, d]
  %Wv = nanochat.param "layers.v" normal(0.02) role "matrix" stack "layers" [layers, d, d]
  %N3 = nanochat.param "layers.norm3" constant(1.0) role "norm" stack "layers" [layers, d]
  %Wo = nanochat.param "layers.o" normal(0.02) role "matrix" stack "layers" [layers, d, d]
  %N2 = nanochat.param "layers.norm2" constant(1.0) role "norm" stack "layers" [layers, d]
  %Wg = nanochat.param "layers.gate" normal(0.02) role "matrix" stack "layers" [layers, ffn, d]
  %Wu = nanochat.param "layers.up" normal(0.02) role "matrix" stack "layers" [layers, ffn, d]
  %N4 = nanochat.param "layers.norm4" constant(1.0) role "norm" stack "layers" [layers, ffn]
  %Wd = nanochat.param "layers.down" normal(0.02) role "matrix" stack "layers" [layers, d, ffn]
  %Nf = nanochat.param "norm" constant(1.0) role "norm" [d]
  %gw = nanochat.param "exit.w" constant(0.0) role "gate" [d]
  %gb = nanochat.param "exit.b" constant(-1.0) role "gate" [1]

  %cos, %sin = nanochat.rope_table seq = seq dim = 64 theta = 1.0e4
  %h0 = nanochat.embedding %tokens, %E
  %none = nanochat.number 0.0
  %beta = nanochat.number 0.1
  %zero = nanochat.token_constant 0.0 like %h0
  %last = nanochat.last_step "n_loops" = n_loops

  %h, %s, %loss, %last_nll, %nll = nanochat.loop "n_loops" = n_loops
      carry(%h = %h0, %survival = %zero, %sum = %none, %nll_prev = %zero) slice(%is_last = %last) {
    %x = nanochat.loop "layers" = layers carry(%x = %h)
        slice(%n1 = %N1, %wq = %Wq, %wk = %Wk, %wv = %Wv, %n3 = %N3, %wo = %Wo, %n2 = %N2, %wg = %Wg, %wu = %Wu,
              %n4 = %N4, %wd = %Wd) recompute(cheap) {
      %a = nanochat.rms_norm %x, %n1
      %q = nanochat.ternary_linear %a, %wq
      %k = nanochat.ternary_linear %a, %wk
      %v = nanochat.ternary_linear %a, %wv
      %qr = nanochat.rope %q, %cos, %sin heads = heads
      %kr = nanochat.rope %k, %cos, %sin heads = heads
      %y, %lse = nanochat.attention %qr, %kr, %v heads = heads kv_heads = heads seq = seq
      %yn = nanochat.rms_norm %y, %n3
      %o = nanochat.ternary_linear %yn, %wo
      %x1 = arith.addf %x, %o : tensor<?xf32>
      %b = nanochat.rms_norm %x1, %n2
      %g = nanochat.ternary_linear %b, %wg
      %u = nanochat.ternary_linear %b, %wu
      %m = nanochat.swiglu %g, %u
      %mn = nanochat.rms_norm %m, %n4
      %d = nanochat.ternary_linear %mn, %wd
      %x2 = arith.addf %x1, %d : tensor<?xf32>
      nanochat.yield %x2
    }
    %ht = nanochat.rms_norm %x, %Nf
    %z = nanochat.gate %ht, %gw, %gb
    %pt, %log_p, %next = nanochat.exit_step %z, %survival, %is_last
    %ce, %nll_t = nanochat.linear_cross_entropy %ht, %E, %targets weights %pt
    %entropy = nanochat.entropy %pt, %log_p
    %bonus = arith.mulf %beta, %entropy : tensor<?xf32>
    %part = arith.subf %ce, %bonus : tensor<?xf32>
    %total = arith.addf %sum, %part : tensor<?xf32>
    nanochat.yield %x, %next, %total, %nll_t stack %nll_t
  }
  nanochat.objective "train" %loss filter(%last_nll keep = keep)
  nanochat.metric "nll" %nll
} update {
  %lr = nanochat.scalar "lr" = 3.0e-4
  %wd = nanochat.scalar "weight_decay" = 0.1
  nanochat.optimizer "adamw" for ["embedding", "matrix", "norm", "gate"] lr(%lr) weight_decay(%wd)
}
