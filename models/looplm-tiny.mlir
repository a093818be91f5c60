// A ternary LoopLM on 2048 byte-pair tokens: 3 layers, applied 4 times with shared weights, d 256, 4 heads.
// Every linear of the layers multiplies int8 activations with {-1, 0, 1} weights (BitNet b1.58); the
// embedding is the output head. After every loop the model may stop: the gate gives each token a
// distribution p over the four exits, and the loss is the expected loss minus β times its entropy (Ouro).
// Embeddings enter as large as the normed state that later loops start from (× √d), and the gains of the
// norms behind each sub-layer start small, so that every loop refines the state instead of replacing it.
!tok = tensor<2048xf32>
!act = tensor<2048x256xf32>
!mid = tensor<2048x704xf32>
!att = tensor<256x256xf32>
!up = tensor<704x256xf32>
!down = tensor<256x704xf32>
!rot = tensor<256x32xf32>

nanochat.model @looplm_tiny {
  %tokens, %targets = nanochat.tokens batch = 8 seq = 256
  %beta = nanochat.scalar "beta" = 0.1 : tensor<f32>

  %E = nanochat.param "embed" normal(0.06) role "embedding" : tensor<2048x256xf32>
  %N1 = nanochat.param "layers.norm1" constant(1.0) role "norm" stack "layers" : tensor<3x256xf32>
  %Wq = nanochat.param "layers.q" normal(0.06) role "matrix" stack "layers" : tensor<3x256x256xf32>
  %Wk = nanochat.param "layers.k" normal(0.06) role "matrix" stack "layers" : tensor<3x256x256xf32>
  %Wv = nanochat.param "layers.v" normal(0.06) role "matrix" stack "layers" : tensor<3x256x256xf32>
  %Wo = nanochat.param "layers.o" normal(0.06) role "matrix" stack "layers" : tensor<3x256x256xf32>
  %N2 = nanochat.param "layers.norm2" constant(0.3) role "norm" stack "layers" : tensor<3x256xf32>
  %N3 = nanochat.param "layers.norm3" constant(1.0) role "norm" stack "layers" : tensor<3x256xf32>
  %Wg = nanochat.param "layers.gate" normal(0.06) role "matrix" stack "layers" : tensor<3x704x256xf32>
  %Wu = nanochat.param "layers.up" normal(0.06) role "matrix" stack "layers" : tensor<3x704x256xf32>
  %Wd = nanochat.param "layers.down" normal(0.06) role "matrix" stack "layers" : tensor<3x256x704xf32>
  %N4 = nanochat.param "layers.norm4" constant(0.3) role "norm" stack "layers" : tensor<3x256xf32>
  %Nf = nanochat.param "norm" constant(1.0) role "norm" : tensor<256xf32>
  %gw = nanochat.param "exit.w" constant(0.0) role "gate" : tensor<256xf32>
  %gb = nanochat.param "exit.b" constant(-1.0) role "gate" : tensor<1xf32>

  %cos, %sin = nanochat.rope_table seq = 256 dim = 64 theta = 1.0e4 : !rot
  %e0 = nanochat.embedding %tokens, %E : tensor<2048xi32>, tensor<2048x256xf32>
  %width = arith.constant dense<16.0> : tensor<f32>
  %h0 = nanochat.scale %e0, %width : !act, tensor<f32>
  %zero = nanochat.token_constant 0.0 like %h0 : !act
  %none = arith.constant dense<0.0> : tensor<f32>
  %one = arith.constant dense<1.0> : tensor<f32>
  %last = nanochat.last_step "n_loops" = 4 : tensor<4xf32>

  %h, %s, %loss, %last_nll, %count, %on, %gates, %nll, %p = nanochat.loop "n_loops" = 4
      carry(%h = %h0 : !act, %survival = %zero : !tok, %sum = %none : tensor<f32>,
            %nll_prev = %zero : !tok, %t = %none : tensor<f32>, %after_first = %none : tensor<f32>,
            %gate_sum = %none : tensor<f32>)
      slice(%is_last = %last : tensor<4xf32>) {
    %x = nanochat.loop "layers" = 3 carry(%x = %h : !act)
        slice(%n1 = %N1 : tensor<3x256xf32>, %wq = %Wq : tensor<3x256x256xf32>,
              %wk = %Wk : tensor<3x256x256xf32>, %wv = %Wv : tensor<3x256x256xf32>,
              %wo = %Wo : tensor<3x256x256xf32>, %n2 = %N2 : tensor<3x256xf32>,
              %n3 = %N3 : tensor<3x256xf32>, %wg = %Wg : tensor<3x704x256xf32>,
              %wu = %Wu : tensor<3x704x256xf32>, %wd = %Wd : tensor<3x256x704xf32>,
              %n4 = %N4 : tensor<3x256xf32>) recompute(cheap) {
      %a = nanochat.rms_norm %x, %n1 : !act, tensor<256xf32>
      %q = nanochat.ternary_linear %a, %wq : !act, !att
      %k = nanochat.ternary_linear %a, %wk : !act, !att
      %v = nanochat.ternary_linear %a, %wv : !act, !att
      %qr = nanochat.rope %q, %cos, %sin heads = 4 : !act, !rot
      %kr = nanochat.rope %k, %cos, %sin heads = 4 : !act, !rot
      %y, %lse = nanochat.attention %qr, %kr, %v heads = 4 kv_heads = 4 seq = 256 : !act, !act, !act
      %o = nanochat.ternary_linear %y, %wo : !act, !att
      %on = nanochat.rms_norm %o, %n2 : !act, tensor<256xf32>
      %x1 = arith.addf %x, %on : !act
      %b = nanochat.rms_norm %x1, %n3 : !act, tensor<256xf32>
      %g = nanochat.ternary_linear %b, %wg : !act, !up
      %u = nanochat.ternary_linear %b, %wu : !act, !up
      %m = nanochat.swiglu %g, %u : !mid
      %d = nanochat.ternary_linear %m, %wd : !mid, !down
      %dn = nanochat.rms_norm %d, %n4 : !act, tensor<256xf32>
      %x2 = arith.addf %x1, %dn : !act
      nanochat.yield %x2 : !act
    }
    %ht = nanochat.rms_norm %x, %Nf : !act, tensor<256xf32>
    %z = nanochat.gate %ht, %gw, %gb : !act, tensor<256xf32>, tensor<1xf32>
    %pt, %log_p, %next = nanochat.exit_step %z, %survival, %is_last : !tok
    %ce, %nll_t = nanochat.linear_cross_entropy %ht, %E, %targets weights %pt
      : !act, tensor<2048x256xf32>, tensor<2048xi32>, !tok
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
  nanochat.metric "nll" %nll : tensor<4x2048xf32>
  nanochat.metric "exit_probability" %p : tensor<4x2048xf32>
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
  // Between phases, `train --at STEP:fire`: weights that have become hard to move start from isometries.
  nanochat.phase "fire" rule "fire" for ["matrix"]
  nanochat.optimizer "adamw" for ["embedding", "norm", "gate"] lr(%lr) weight_decay(%wd)
    grad_scale(%clip) : tensor<f32>, tensor<f32>, tensor<f32>
}
