// looplm.mlir with manifold-constrained hyper-connections (mHC, arXiv:2512.24880): within one application of the layers the residual stream is
// four streams wide. A sub-layer reads a mixture of them; then the old ones are mixed by a doubly stochastic matrix of each token, and its output is
// added. Streams begin as copies of the state and end in their mean, so that loops, gate and losses see one. At first attention reads and
// writes stream 0 most and the feed-forward part stream 1, and hardly anything is mixed (as the code of mHC-lite begins).
nanochat.model @looplm_mhc sizes {
  batch = 8, seq = 256, accum = 1,
  vocab = 2048, n_loops = 4, layers = 3,
  d = 256,                         // width of the residual stream
  heads = max(1, d / 64), head = d / heads,
  group = 0,                       // inputs that share a scale of ternary weights; 0: all of a matrix
  ffn = up(up(d * 8 / 3, max(64, min(256, d / 4))), max(1, group)),
  wide = 4 * d                     // four streams
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
  %Ab = nanochat.param "layers.attention.bias" constant(0.0) role "hyper" stack "layers" [layers, 24]
  %Ap = nanochat.param "layers.attention.phi" constant(0.0) role "hyper" stack "layers" [layers, 24, wide]
  %Af = nanochat.param "layers.attention.alpha" constant(0.01) role "hyper" stack "layers" [layers, 3]
  %Fb = nanochat.param "layers.ffn.bias" constant(0.0) role "hyper" stack "layers" [layers, 24]
  %Fp = nanochat.param "layers.ffn.phi" constant(0.0) role "hyper" stack "layers" [layers, 24, wide]
  %Ff = nanochat.param "layers.ffn.alpha" constant(0.01) role "hyper" stack "layers" [layers, 3]
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
  // Logits of what is read, of what is written, and of the matrix.
  %first_a = nanochat.numbers [1.0, -1.0, -1.0, -1.0, 1.0, -1.0, -1.0, -1.0, 0.0, -8.0, -8.0, -8.0, -8.0, 0.0, -8.0, -8.0, -8.0, -8.0, 0.0, -8.0, -8.0, -8.0, -8.0, 0.0]
  %first_f = nanochat.numbers [-1.0, 1.0, -1.0, -1.0, -1.0, 1.0, -1.0, -1.0, 0.0, -8.0, -8.0, -8.0, -8.0, 0.0, -8.0, -8.0, -8.0, -8.0, 0.0, -8.0, -8.0, -8.0, -8.0, 0.0]
  %last = nanochat.last_step "n_loops" = n_loops

  %h, %s, %loss, %last_nll, %count, %on, %gates, %nll, %p = nanochat.loop "n_loops" = n_loops
      carry(%h = %h0, %survival = %zero, %sum = %none, %nll_prev = %zero, %t = %none, %after_first = %none,
            %gate_sum = %none)
      slice(%is_last = %last) {
    %copies = nanochat.copy_streams %h streams = 4
    %xs = nanochat.loop "layers" = layers carry(%x = %copies)
        slice(%n1 = %N1, %wq = %Wq, %wk = %Wk, %wv = %Wv, %wo = %Wo, %n2 = %N2, %n3 = %N3, %wg = %Wg, %wu = %Wu,
              %wd = %Wd, %n4 = %N4, %ab = %Ab, %ap = %Ap, %af = %Af, %fb = %Fb, %fp = %Fp, %ff = %Ff) recompute(recompute) {
      %la = arith.addf %ab, %first_a : tensor<?xf32>
      %ra, %wa, %ma = nanochat.hyper_coefficients sinkhorn %x, %la phi %ap, %af streams = 4
      %xa = nanochat.mix_streams %x, %ra
      %a = nanochat.rms_norm %xa, %n1
      %q = nanochat.ternary_linear %a, %wq group = group
      %k = nanochat.ternary_linear %a, %wk group = group
      %v = nanochat.ternary_linear %a, %wv group = group
      %qr = nanochat.rope %q, %cos, %sin heads = heads
      %kr = nanochat.rope %k, %cos, %sin heads = heads
      %y, %lse = nanochat.attention %qr, %kr, %v heads = heads kv_heads = heads seq = seq
      %o = nanochat.ternary_linear %y, %wo group = group
      %on = nanochat.rms_norm %o, %n2
      %x1 = nanochat.update_streams %x, %ma, %wa, %on
      %lf = arith.addf %fb, %first_f : tensor<?xf32>
      %rf, %wf, %mf = nanochat.hyper_coefficients sinkhorn %x1, %lf phi %fp, %ff streams = 4
      %xf = nanochat.mix_streams %x1, %rf
      %b = nanochat.rms_norm %xf, %n3
      %g = nanochat.ternary_linear %b, %wg group = group
      %u = nanochat.ternary_linear %b, %wu group = group
      %m = nanochat.swiglu %g, %u
      %d = nanochat.ternary_linear %m, %wd group = group
      %dn = nanochat.rms_norm %d, %n4
      %x2 = nanochat.update_streams %x1, %mf, %wf, %dn
      nanochat.yield %x2
    }
    %x = nanochat.collapse_streams %xs streams = 4 mean
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
  nanochat.objective "train" %loss filter(%last_nll keep = keep)
  // Stage II, `train --phase=gate`: only the gate learns, whether one more loop helps its token.
  %gate_loss = arith.divf %gates, %count : tensor<?xf32>
  nanochat.objective "gate" %gate_loss trains ["gate"]
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
  nanochat.optimizer "adamw" for ["embedding", "norm", "gate", "hyper"] lr(%lr) weight_decay(%wd) grad_scale(%clip)
}
