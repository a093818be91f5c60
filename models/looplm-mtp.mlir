// looplm.mlir with multi-token prediction (Gloeckle et al., arXiv:2404.19737): behind the last loop three more heads of one ternary layer each
// predict the tokens two, three and four ahead. They share the embedding and are dropped by what predicts; their losses, logged as mtp.1 to
// mtp.3, count a half, a quarter and an eighth. Papers report gains above a thousand million parameters and losses below: compare before use.
nanochat.model @looplm_mtp sizes {
  batch = 8, seq = 256, accum = 1,
  vocab = 2048, n_loops = 4, layers = 3,
  d = 256,                         // width of the residual stream
  heads = max(1, d / 64), head = d / heads,
  group = 0,                       // inputs that share a scale of ternary weights; 0: all of a matrix
  ffn = up(up(d * 8 / 3, max(64, min(256, d / 4))), max(1, group))
} settings {
  deviation = 0.06, embedding_scale = sqrt(d), gain = 0.3, // of parameters and activations at first
  recompute = cheap,
  beta = 0.1,
  keep = 1.0,                      // of the tokens of a sequence, the share that has gradients: those with the highest loss
  lr = 0.002, weight_decay = 0.0, warmup = 20, decay = 0.3
} presets {
  tiny {},
  a {batch = 1, seq = 8192, vocab = 50257, layers = 24, d = 2048, heads = 16,
     deviation = 0.02, embedding_scale = 1.0, gain = 1.0, recompute = body,
     beta = 0.05, lr = 1.0e-3, weight_decay = 0.1, warmup = 375, decay = 0.2}
} {
  %tokens, %targets = nanochat.tokens batch = batch seq = seq accum = accum
  %beta = nanochat.scalar "beta" = beta

  %E = nanochat.param "embed" normal(deviation) role "embedding" [vocab, d]
  %N1 = nanochat.param "layers.norm1" constant(1.0) role "norm" stack "layers" [layers, d]
  %Wq = nanochat.param "layers.q" normal(deviation) role "matrix" stack "layers" [layers, d, d]
  %Wk = nanochat.param "layers.k" normal(deviation) role "matrix" stack "layers" [layers, d, d]
  %Wv = nanochat.param "layers.v" normal(deviation) role "matrix" stack "layers" [layers, d, d]
  %Wo = nanochat.param "layers.o" normal(deviation) role "matrix" stack "layers" [layers, d, d]
  %N2 = nanochat.param "layers.norm2" constant(gain) role "norm" stack "layers" [layers, d]
  %N3 = nanochat.param "layers.norm3" constant(1.0) role "norm" stack "layers" [layers, d]
  %Wg = nanochat.param "layers.gate" normal(deviation) role "matrix" stack "layers" [layers, ffn, d]
  %Wu = nanochat.param "layers.up" normal(deviation) role "matrix" stack "layers" [layers, ffn, d]
  %Wd = nanochat.param "layers.down" normal(deviation) role "matrix" stack "layers" [layers, d, ffn]
  %N4 = nanochat.param "layers.norm4" constant(gain) role "norm" stack "layers" [layers, d]
  %M1 = nanochat.param "mtp.norm1" constant(1.0) role "norm" stack "mtp" [3, d]
  %Mq = nanochat.param "mtp.q" normal(deviation) role "matrix" stack "mtp" [3, d, d]
  %Mk = nanochat.param "mtp.k" normal(deviation) role "matrix" stack "mtp" [3, d, d]
  %Mv = nanochat.param "mtp.v" normal(deviation) role "matrix" stack "mtp" [3, d, d]
  %Mo = nanochat.param "mtp.o" normal(deviation) role "matrix" stack "mtp" [3, d, d]
  %M2 = nanochat.param "mtp.norm2" constant(gain) role "norm" stack "mtp" [3, d]
  %M3 = nanochat.param "mtp.norm3" constant(1.0) role "norm" stack "mtp" [3, d]
  %Mg = nanochat.param "mtp.gate" normal(deviation) role "matrix" stack "mtp" [3, ffn, d]
  %Mu = nanochat.param "mtp.up" normal(deviation) role "matrix" stack "mtp" [3, ffn, d]
  %Md = nanochat.param "mtp.down" normal(deviation) role "matrix" stack "mtp" [3, d, ffn]
  %M4 = nanochat.param "mtp.norm4" constant(gain) role "norm" stack "mtp" [3, d]
  %Nf = nanochat.param "norm" constant(1.0) role "norm" [d]
  %gw = nanochat.param "exit.w" constant(0.0) role "gate" [d]
  %gb = nanochat.param "exit.b" constant(-1.0) role "gate" [1]

  %cos, %sin = nanochat.rope_table seq = seq dim = head theta = 1.0e4
  %e0 = nanochat.embedding %tokens, %E
  %width = nanochat.number embedding_scale
  %h0 = nanochat.scale %e0, %width
  %zero = nanochat.token_constant 0.0 like %h0
  %none = nanochat.number 0.0
  %one = nanochat.number 1.0
  %last = nanochat.last_step "n_loops" = n_loops

  %h, %s, %loss, %last_nll, %count, %on, %gates, %nll, %p = nanochat.loop "n_loops" = n_loops
      carry(%h = %h0, %survival = %zero, %sum = %none, %nll_prev = %zero, %t = %none, %after_first = %none,
            %gate_sum = %none)
      slice(%is_last = %last) {
    %x = nanochat.loop "layers" = layers carry(%x = %h)
        slice(%n1 = %N1, %wq = %Wq, %wk = %Wk, %wv = %Wv, %wo = %Wo, %n2 = %N2, %n3 = %N3, %wg = %Wg, %wu = %Wu,
              %wd = %Wd, %n4 = %N4) recompute(recompute) {
      %a = nanochat.rms_norm %x, %n1
      %q = nanochat.ternary_linear %a, %wq group = group
      %k = nanochat.ternary_linear %a, %wk group = group
      %v = nanochat.ternary_linear %a, %wv group = group
      %qr = nanochat.rope %q, %cos, %sin heads = heads
      %kr = nanochat.rope %k, %cos, %sin heads = heads
      %y, %lse = nanochat.attention %qr, %kr, %v heads = heads kv_heads = heads seq = seq
      %o = nanochat.ternary_linear %y, %wo group = group
      %on = nanochat.rms_norm %o, %n2
      %x1 = arith.addf %x, %on : tensor<?xf32>
      %b = nanochat.rms_norm %x1, %n3
      %g = nanochat.ternary_linear %b, %wg group = group
      %u = nanochat.ternary_linear %b, %wu group = group
      %m = nanochat.swiglu %g, %u
      %d = nanochat.ternary_linear %m, %wd group = group
      %dn = nanochat.rms_norm %d, %n4
      %x2 = arith.addf %x1, %dn : tensor<?xf32>
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
    %gain = nanochat.gate_loss %z, %nll_prev, %nll_t, %after_first
    %gate_total = arith.addf %gate_sum, %gain : tensor<?xf32>
    %t1 = arith.addf %t, %one : tensor<?xf32>
    nanochat.yield %ht, %next, %total, %nll_t, %t1, %one, %gate_total stack %nll_t, %pt
  }
  %ahead = nanochat.numbers [1.0, 2.0, 3.0]
  %shares = nanochat.numbers [0.5, 0.25, 0.125]
  %all, %mtp = nanochat.loop "mtp" = 3 carry(%sum = %loss)
      slice(%by = %ahead, %share = %shares, %n1 = %M1, %wq = %Mq, %wk = %Mk, %wv = %Mv, %wo = %Mo, %n2 = %M2, %n3 = %M3,
            %wg = %Mg, %wu = %Mu, %wd = %Md, %n4 = %M4) recompute(recompute) {
    %a = nanochat.rms_norm %h, %n1
    %q = nanochat.ternary_linear %a, %wq group = group
    %k = nanochat.ternary_linear %a, %wk group = group
    %v = nanochat.ternary_linear %a, %wv group = group
    %qr = nanochat.rope %q, %cos, %sin heads = heads
    %kr = nanochat.rope %k, %cos, %sin heads = heads
    %y, %lse = nanochat.attention %qr, %kr, %v heads = heads kv_heads = heads seq = seq
    %o = nanochat.ternary_linear %y, %wo group = group
    %onorm = nanochat.rms_norm %o, %n2
    %x1 = arith.addf %h, %onorm : tensor<?xf32>
    %b = nanochat.rms_norm %x1, %n3
    %g = nanochat.ternary_linear %b, %wg group = group
    %u = nanochat.ternary_linear %b, %wu group = group
    %m = nanochat.swiglu %g, %u
    %d = nanochat.ternary_linear %m, %wd group = group
    %dn = nanochat.rms_norm %d, %n4
    %x2 = arith.addf %x1, %dn : tensor<?xf32>
    %z = nanochat.rms_norm %x2, %Nf
    %next, %own = nanochat.targets_ahead %targets by %by seq = seq
    %ce, %nll_ahead = nanochat.linear_cross_entropy %z, %E, %next weights %own auxiliary
    %part = arith.mulf %share, %ce : tensor<?xf32>
    %total = arith.addf %sum, %part : tensor<?xf32>
    nanochat.yield %total stack %ce
  }
  nanochat.objective "train" %all filter(%last_nll keep = keep)
  // Stage II, `train --phase=gate`: only the gate learns, whether one more loop helps its token.
  %gate_loss = arith.divf %gates, %count : tensor<?xf32>
  nanochat.objective "gate" %gate_loss trains ["gate"]
  nanochat.metric "mtp" %mtp
  nanochat.metric "nll" %nll
  nanochat.metric "exit_probability" %p
} update {
  %step = nanochat.scalar "step" = 0.0
  %steps = nanochat.scalar "steps" = 1.0
  %peak = nanochat.scalar "lr" = lr
  %wd = nanochat.scalar "weight_decay" = weight_decay
  %norm = nanochat.scalar "grad_norm" = 0.0
  %lr = nanochat.wsd %peak, %step, %steps warmup = warmup decay = decay
  %clip = nanochat.clip_scale %norm
  nanochat.metric "lr" %lr
  nanochat.optimizer "muon" for ["matrix"] lr(%lr) weight_decay(%wd) grad_scale(%clip)
  // Between phases, `train --at STEP:fire`: weights that have become hard to move start from isometries.
  nanochat.phase "fire" rule "fire" for ["matrix"]
  nanochat.optimizer "adamw" for ["embedding", "norm", "gate"] lr(%lr) weight_decay(%wd) grad_scale(%clip)
}
