// The model of the speed comparison: 3 ternary layers applied 4 times, d 384, 6 heads, SwiGLU 1024, a
// norm before every linear (subLN), vocabulary 8192, the mean of the losses after each loop, AdamW.
!act = tensor<1024x384xf32>
!mid = tensor<1024x1024xf32>
!att = tensor<384x384xf32>
!up = tensor<1024x384xf32>
!down = tensor<384x1024xf32>
!rot = tensor<256x32xf32>

nanochat.model @looplm_384 {
  %tokens, %targets = nanochat.tokens batch = 4 seq = 256

  %E = nanochat.param "embed" normal(0.02) role "embedding" : tensor<8192x384xf32>
  %N1 = nanochat.param "layers.norm1" constant(1.0) role "norm" stack "layers" : tensor<3x384xf32>
  %Wq = nanochat.param "layers.q" normal(0.02) role "matrix" stack "layers" : tensor<3x384x384xf32>
  %Wk = nanochat.param "layers.k" normal(0.02) role "matrix" stack "layers" : tensor<3x384x384xf32>
  %Wv = nanochat.param "layers.v" normal(0.02) role "matrix" stack "layers" : tensor<3x384x384xf32>
  %N3 = nanochat.param "layers.norm3" constant(1.0) role "norm" stack "layers" : tensor<3x384xf32>
  %Wo = nanochat.param "layers.o" normal(0.02) role "matrix" stack "layers" : tensor<3x384x384xf32>
  %N2 = nanochat.param "layers.norm2" constant(1.0) role "norm" stack "layers" : tensor<3x384xf32>
  %Wg = nanochat.param "layers.gate" normal(0.02) role "matrix" stack "layers" : tensor<3x1024x384xf32>
  %Wu = nanochat.param "layers.up" normal(0.02) role "matrix" stack "layers" : tensor<3x1024x384xf32>
  %N4 = nanochat.param "layers.norm4" constant(1.0) role "norm" stack "layers" : tensor<3x1024xf32>
  %Wd = nanochat.param "layers.down" normal(0.02) role "matrix" stack "layers" : tensor<3x384x1024xf32>
  %Nf = nanochat.param "norm" constant(1.0) role "norm" : tensor<384xf32>

  %cos, %sin = nanochat.rope_table seq = 256 dim = 64 theta = 1.0e4 : !rot
  %h0 = nanochat.embedding %tokens, %E : tensor<1024xi32>, tensor<8192x384xf32>
  %none = arith.constant dense<0.0> : tensor<f32>
  %share = arith.constant dense<0.25> : tensor<f32>

  %h, %loss, %nll = nanochat.loop "n_loops" = 4 carry(%h = %h0 : !act, %sum = %none : tensor<f32>) {
    %x = nanochat.loop "layers" = 3 carry(%x = %h : !act)
        slice(%n1 = %N1 : tensor<3x384xf32>, %wq = %Wq : tensor<3x384x384xf32>,
              %wk = %Wk : tensor<3x384x384xf32>, %wv = %Wv : tensor<3x384x384xf32>,
              %n3 = %N3 : tensor<3x384xf32>, %wo = %Wo : tensor<3x384x384xf32>,
              %n2 = %N2 : tensor<3x384xf32>, %wg = %Wg : tensor<3x1024x384xf32>,
              %wu = %Wu : tensor<3x1024x384xf32>, %n4 = %N4 : tensor<3x1024xf32>,
              %wd = %Wd : tensor<3x384x1024xf32>) recompute(cheap) {
      %a = nanochat.rms_norm %x, %n1 : !act, tensor<384xf32>
      %q = nanochat.ternary_linear %a, %wq : !act, !att
      %k = nanochat.ternary_linear %a, %wk : !act, !att
      %v = nanochat.ternary_linear %a, %wv : !act, !att
      %qr = nanochat.rope %q, %cos, %sin heads = 6 : !act, !rot
      %kr = nanochat.rope %k, %cos, %sin heads = 6 : !act, !rot
      %y, %lse = nanochat.attention %qr, %kr, %v heads = 6 kv_heads = 6 seq = 256 : !act, !act, !act
      %yn = nanochat.rms_norm %y, %n3 : !act, tensor<384xf32>
      %o = nanochat.ternary_linear %yn, %wo : !act, !att
      %x1 = arith.addf %x, %o : !act
      %b = nanochat.rms_norm %x1, %n2 : !act, tensor<384xf32>
      %g = nanochat.ternary_linear %b, %wg : !act, !up
      %u = nanochat.ternary_linear %b, %wu : !act, !up
      %m = nanochat.swiglu %g, %u : !mid
      %mn = nanochat.rms_norm %m, %n4 : !mid, tensor<1024xf32>
      %d = nanochat.ternary_linear %mn, %wd : !mid, !down
      %x2 = arith.addf %x1, %d : !act
      nanochat.yield %x2 : !act
    }
    %ht = nanochat.rms_norm %x, %Nf : !act, tensor<384xf32>
    %ce, %nll_t = nanochat.linear_cross_entropy %ht, %E, %targets
      : !act, tensor<8192x384xf32>, tensor<1024xi32>
    %part = arith.mulf %share, %ce : tensor<f32>
    %total = arith.addf %sum, %part : tensor<f32>
    nanochat.yield %x, %total : !act, tensor<f32> stack %nll_t : tensor<1024xf32>
  }
  nanochat.objective "train" %loss : tensor<f32>
  nanochat.metric "nll" %nll : tensor<4x1024xf32>
} update {
  %lr = nanochat.scalar "lr" = 3.0e-4 : tensor<f32>
  %wd = nanochat.scalar "weight_decay" = 0.1 : tensor<f32>
  nanochat.optimizer "adamw" for ["embedding", "matrix", "norm"] lr(%lr) weight_decay(%wd)
    : tensor<f32>, tensor<f32>
}
