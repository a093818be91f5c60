// The copy task: the second half of each sequence repeats the first. A ternary LoopLM small enough for a
// test, 2 layers applied 2 times, d 128; attention must learn to look 32 tokens back.
!tok = tensor<1024xf32>
!act = tensor<1024x128xf32>
!mid = tensor<1024x352xf32>
!att = tensor<128x128xf32>
!up = tensor<352x128xf32>
!down = tensor<128x352xf32>
!rot = tensor<64x32xf32>

nanochat.model @copy_tiny {
  %tokens, %targets = nanochat.tokens batch = 16 seq = 64
  %beta = nanochat.scalar "beta" = 0.05 : tensor<f32>

  %E = nanochat.param "embed" normal(0.09) role "embedding" : tensor<257x128xf32>
  %N1 = nanochat.param "layers.norm1" constant(1.0) role "norm" stack "layers" : tensor<2x128xf32>
  %Wq = nanochat.param "layers.q" normal(0.09) role "matrix" stack "layers" : tensor<2x128x128xf32>
  %Wk = nanochat.param "layers.k" normal(0.09) role "matrix" stack "layers" : tensor<2x128x128xf32>
  %Wv = nanochat.param "layers.v" normal(0.09) role "matrix" stack "layers" : tensor<2x128x128xf32>
  %Wo = nanochat.param "layers.o" normal(0.09) role "matrix" stack "layers" : tensor<2x128x128xf32>
  %N2 = nanochat.param "layers.norm2" constant(1.0) role "norm" stack "layers" : tensor<2x128xf32>
  %N3 = nanochat.param "layers.norm3" constant(1.0) role "norm" stack "layers" : tensor<2x128xf32>
  %Wg = nanochat.param "layers.gate" normal(0.09) role "matrix" stack "layers" : tensor<2x352x128xf32>
  %Wu = nanochat.param "layers.up" normal(0.09) role "matrix" stack "layers" : tensor<2x352x128xf32>
  %Wd = nanochat.param "layers.down" normal(0.09) role "matrix" stack "layers" : tensor<2x128x352xf32>
  %N4 = nanochat.param "layers.norm4" constant(1.0) role "norm" stack "layers" : tensor<2x128xf32>
  %Nf = nanochat.param "norm" constant(1.0) role "norm" : tensor<128xf32>
  %gw = nanochat.param "exit.w" constant(0.0) role "gate" : tensor<128xf32>
  %gb = nanochat.param "exit.b" constant(-1.0) role "gate" : tensor<1xf32>

  %cos, %sin = nanochat.rope_table seq = 64 dim = 64 theta = 1.0e4 : !rot
  %h0 = nanochat.embedding %tokens, %E : tensor<1024xi32>, tensor<257x128xf32>
  %zero = nanochat.token_constant 0.0 like %h0 : !act
  %none = arith.constant dense<0.0> : tensor<f32>
  %one = arith.constant dense<1.0> : tensor<f32>
  %last = nanochat.last_step "n_loops" = 2 : tensor<2xf32>

  %h, %s, %loss, %last_nll, %count, %on, %gates, %nll, %p = nanochat.loop "n_loops" = 2
      carry(%h = %h0 : !act, %survival = %zero : !tok, %sum = %none : tensor<f32>,
            %nll_prev = %zero : !tok, %t = %none : tensor<f32>, %after_first = %none : tensor<f32>,
            %gate_sum = %none : tensor<f32>)
      slice(%is_last = %last : tensor<2xf32>) {
    %x = nanochat.loop "layers" = 2 carry(%x = %h : !act)
        slice(%n1 = %N1 : tensor<2x128xf32>, %wq = %Wq : tensor<2x128x128xf32>,
              %wk = %Wk : tensor<2x128x128xf32>, %wv = %Wv : tensor<2x128x128xf32>,
              %wo = %Wo : tensor<2x128x128xf32>, %n2 = %N2 : tensor<2x128xf32>,
              %n3 = %N3 : tensor<2x128xf32>, %wg = %Wg : tensor<2x352x128xf32>,
              %wu = %Wu : tensor<2x352x128xf32>, %wd = %Wd : tensor<2x128x352xf32>,
              %n4 = %N4 : tensor<2x128xf32>) recompute(cheap) {
      %a = nanochat.rms_norm %x, %n1 : !act, tensor<128xf32>
      %q = nanochat.ternary_linear %a, %wq : !act, !att
      %k = nanochat.ternary_linear %a, %wk : !act, !att
      %v = nanochat.ternary_linear %a, %wv : !act, !att
      %qr = nanochat.rope %q, %cos, %sin heads = 2 : !act, !rot
      %kr = nanochat.rope %k, %cos, %sin heads = 2 : !act, !rot
      %y, %lse = nanochat.attention %qr, %kr, %v heads = 2 kv_heads = 2 seq = 64 : !act, !act, !act
      %o = nanochat.ternary_linear %y, %wo : !act, !att
      %on = nanochat.rms_norm %o, %n2 : !act, tensor<128xf32>
      %x1 = arith.addf %x, %on : !act
      %b = nanochat.rms_norm %x1, %n3 : !act, tensor<128xf32>
      %g = nanochat.ternary_linear %b, %wg : !act, !up
      %u = nanochat.ternary_linear %b, %wu : !act, !up
      %m = nanochat.swiglu %g, %u : !mid
      %d = nanochat.ternary_linear %m, %wd : !mid, !down
      %dn = nanochat.rms_norm %d, %n4 : !act, tensor<128xf32>
      %x2 = arith.addf %x1, %dn : !act
      nanochat.yield %x2 : !act
    }
    %ht = nanochat.rms_norm %x, %Nf : !act, tensor<128xf32>
    %z = nanochat.gate %ht, %gw, %gb : !act, tensor<128xf32>, tensor<1xf32>
    %pt, %log_p, %next = nanochat.exit_step %z, %survival, %is_last : !tok
    %ce, %nll_t = nanochat.linear_cross_entropy %ht, %E, %targets weights %pt
      : !act, tensor<257x128xf32>, tensor<1024xi32>, !tok
    %entropy = nanochat.entropy %pt, %log_p : !tok
    %bonus = arith.mulf %beta, %entropy : tensor<f32>
    %step = arith.subf %ce, %bonus : tensor<f32>
    %total = arith.addf %sum, %step : tensor<f32>
    %gain = nanochat.gate_loss %z, %nll_prev, %nll_t, %after_first : !tok
    %gate_total = arith.addf %gate_sum, %gain : tensor<f32>
    %t1 = arith.addf %t, %one : tensor<f32>
    nanochat.yield %ht, %next, %total, %nll_t, %t1, %one, %gate_total
      : !act, !tok, tensor<f32>, !tok, tensor<f32>, tensor<f32>, tensor<f32> stack %nll_t, %pt : !tok, !tok
  }
  nanochat.objective "train" %loss : tensor<f32>
  // Stage II, `train --phase=gate`: only the gate learns, whether one more loop helps its token.
  %gate_loss = arith.divf %gates, %count : tensor<f32>
  nanochat.objective "gate" %gate_loss trains ["gate"] : tensor<f32>
  nanochat.metric "nll" %nll : tensor<2x1024xf32>
  nanochat.metric "exit_probability" %p : tensor<2x1024xf32>
} update {
  %step = nanochat.scalar "step" = 0.0 : tensor<f32>
  %steps = nanochat.scalar "steps" = 1.0 : tensor<f32>
  %peak = nanochat.scalar "lr" = 0.002 : tensor<f32>
  %wd = nanochat.scalar "weight_decay" = 0.0 : tensor<f32>
  %norm = nanochat.scalar "grad_norm" = 0.0 : tensor<f32>
  %lr = nanochat.wsd %peak, %step, %steps {warmup = 20, decay = 0.3 : f64} : tensor<f32>
  %clip = nanochat.clip_scale %norm : tensor<f32>
  nanochat.metric "lr" %lr : tensor<f32>
  nanochat.optimizer "muon" for ["matrix"] lr(%lr) weight_decay(%wd) grad_scale(%clip)
    : tensor<f32>, tensor<f32>, tensor<f32>
  nanochat.optimizer "adamw" for ["embedding", "norm", "gate"] lr(%lr) weight_decay(%wd)
    grad_scale(%clip) : tensor<f32>, tensor<f32>, tensor<f32>
}
