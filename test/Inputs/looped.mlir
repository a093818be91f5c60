// A LoopLM of 2 layers in 3 loops, small enough to compare gradients with other ways to write it.
!tok = tensor<16xf32>
!act = tensor<16x16xf32>
!mid = tensor<16x24xf32>
!att = tensor<16x16xf32>
!up = tensor<24x16xf32>
!down = tensor<16x24xf32>
!vec = tensor<16xf32>
!rot = tensor<8x4xf32>

nanochat.model @looped {
  %tokens, %targets = nanochat.tokens batch = 2 seq = 8
  %E = nanochat.param "embed" normal(0.5) role "embedding" : tensor<257x16xf32>
  %N1 = nanochat.param "layers.norm1" normal(1.0) role "norm" stack "layers" : tensor<2x16xf32>
  %Wq = nanochat.param "layers.q" normal(0.3) role "matrix" stack "layers" : tensor<2x16x16xf32>
  %Wk = nanochat.param "layers.k" normal(0.3) role "matrix" stack "layers" : tensor<2x16x16xf32>
  %Wv = nanochat.param "layers.v" normal(0.3) role "matrix" stack "layers" : tensor<2x16x16xf32>
  %N2 = nanochat.param "layers.norm2" normal(1.0) role "norm" stack "layers" : tensor<2x16xf32>
  %N3 = nanochat.param "layers.norm3" normal(1.0) role "norm" stack "layers" : tensor<2x16xf32>
  %Wg = nanochat.param "layers.gate" normal(0.3) role "matrix" stack "layers" : tensor<2x24x16xf32>
  %Wu = nanochat.param "layers.up" normal(0.3) role "matrix" stack "layers" : tensor<2x24x16xf32>
  %Wd = nanochat.param "layers.down" normal(0.3) role "matrix" stack "layers" : tensor<2x16x24xf32>
  %N4 = nanochat.param "layers.norm4" normal(1.0) role "norm" stack "layers" : tensor<2x16xf32>
  %Nf = nanochat.param "norm" normal(1.0) role "norm" : !vec
  %gw = nanochat.param "exit.w" normal(0.3) role "gate" : !vec
  %gb = nanochat.param "exit.b" normal(0.3) role "gate" : tensor<1xf32>

  %beta = arith.constant dense<0.05> : tensor<f32>
  %none = arith.constant dense<0.0> : tensor<f32>
  %cos, %sin = nanochat.rope_table seq = 8 dim = 8 : !rot
  %h0 = nanochat.embedding %tokens, %E : tensor<16xi32>, tensor<257x16xf32>
  %zero = nanochat.token_constant 0.0 like %h0 : !act
  %last = nanochat.last_step "n_loops" = 3 : tensor<3xf32>
  %h, %s, %loss, %nll, %p = nanochat.loop "n_loops" = 3
      carry(%h = %h0 : !act, %survival = %zero : !tok, %sum = %none : tensor<f32>)
      slice(%is_last = %last : tensor<3xf32>) {
    %x = nanochat.loop "layers" = 2 carry(%x = %h : !act)
        slice(%n1 = %N1 : tensor<2x16xf32>, %wq = %Wq : tensor<2x16x16xf32>, %wk = %Wk : tensor<2x16x16xf32>,
              %wv = %Wv : tensor<2x16x16xf32>, %n2 = %N2 : tensor<2x16xf32>, %n3 = %N3 : tensor<2x16xf32>,
              %wg = %Wg : tensor<2x24x16xf32>, %wu = %Wu : tensor<2x24x16xf32>,
              %wd = %Wd : tensor<2x16x24xf32>, %n4 = %N4 : tensor<2x16xf32>) recompute(cheap) {
      %a = nanochat.rms_norm %x, %n1 : !act, !vec
      %q = nanochat.linear %a, %wq : !act, !att
      %k = nanochat.linear %a, %wk : !act, !att
      %v = nanochat.linear %a, %wv : !act, !att
      %qr = nanochat.rope %q, %cos, %sin heads = 2 : !act, !rot
      %kr = nanochat.rope %k, %cos, %sin heads = 2 : !act, !rot
      %y, %lse = nanochat.attention %qr, %kr, %v heads = 2 kv_heads = 2 seq = 8 : !act, !act, !act
      %yn = nanochat.rms_norm %y, %n2 : !act, !vec
      %x1 = arith.addf %x, %yn : !act
      %b = nanochat.rms_norm %x1, %n3 : !act, !vec
      %g = nanochat.linear %b, %wg : !act, !up
      %u = nanochat.linear %b, %wu : !act, !up
      %m = nanochat.swiglu %g, %u : !mid
      %d = nanochat.linear %m, %wd : !mid, !down
      %dn = nanochat.rms_norm %d, %n4 : !act, !vec
      %x2 = arith.addf %x1, %dn : !act
      nanochat.yield %x2 : !act
    }
    %ht = nanochat.rms_norm %x, %Nf : !act, !vec
    %z = nanochat.gate %ht, %gw, %gb : !act, !vec, tensor<1xf32>
    %pt, %log_p, %next = nanochat.exit_step %z, %survival, %is_last : !tok
    %ce, %nll_t = nanochat.linear_cross_entropy %ht, %E, %targets weights %pt
      : !act, tensor<257x16xf32>, tensor<16xi32>, !tok
    %entropy = nanochat.entropy %pt, %log_p : !tok
    %bonus = arith.mulf %beta, %entropy : tensor<f32>
    %step = arith.subf %ce, %bonus : tensor<f32>
    %total = arith.addf %sum, %step : tensor<f32>
    nanochat.yield %ht, %next, %total : !act, !tok, tensor<f32> stack %nll_t, %pt : !tok, !tok
  }
  nanochat.objective "train" %loss : tensor<f32>
  nanochat.metric "nll" %nll : tensor<3x16xf32>
  nanochat.metric "exit_probability" %p : tensor<3x16xf32>
} update {
  %lr = nanochat.scalar "lr" = 0.1 : tensor<f32>
  %wd = nanochat.scalar "weight_decay" = 0.0 : tensor<f32>
  nanochat.optimizer "sgd" for ["embedding", "matrix", "norm", "gate"] lr(%lr) weight_decay(%wd) : tensor<f32>, tensor<f32>
}
