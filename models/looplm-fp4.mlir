// The model of looplm.mlir whose layers compute their gradients in four-bit floats: gradients of activations quantised along
// outputs, of weights along tokens behind a Hadamard transform, both rounded by chance (arXiv:2502.20586). The forward pass
// stays integers by ternary weights, which four bits hold exactly. Widths are multiples of 32, batch · seq of 64.
// `--backward=mxfp4` does the same to looplm.mlir; a region does it to part of a model.
//
// Presets, of which the first is the default:
// - tiny: as in looplm.mlir.
// - wide: layers of width 768, where blocks of four bits begin to pay on CPUs.
nanochat.model @looplm_fp4 sizes {
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
  wide {batch = 1, seq = 512, layers = 4, d = 768, deviation = 0.035}
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
    %x = nanochat.fp4_region format = mxfp4 {
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
      nanochat.yield %x
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
  nanochat.objective "train" %loss filter(%last_nll keep = keep multiple = 64)
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
  nanochat.optimizer "adamw" for ["embedding", "norm", "gate"] lr(%lr) weight_decay(%wd) grad_scale(%clip)
}
