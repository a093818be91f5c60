// looped.mlir without loops over the stack: an ordinary transformer with sandwich norms.
!act = tensor<16x16xf32>
!mid = tensor<16x24xf32>
!att = tensor<16x16xf32>
!up = tensor<24x16xf32>
!down = tensor<16x24xf32>
!vec = tensor<16xf32>
!rot = tensor<8x4xf32>

nanochat.model @plain {
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

  %cos, %sin = nanochat.rope_table seq = 8 dim = 8 : !rot
  %h0 = nanochat.embedding %tokens, %E : tensor<16xi32>, tensor<257x16xf32>
  %x = nanochat.loop "layers" = 2 carry(%x = %h0 : !act)
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
  %loss, %nll = nanochat.linear_cross_entropy %ht, %E, %targets : !act, tensor<257x16xf32>, tensor<16xi32>
  nanochat.objective "train" %loss : tensor<f32>
  nanochat.metric "nll" %nll : tensor<16xf32>
} update {
  %lr = nanochat.scalar "lr" = 0.1 : tensor<f32>
  %wd = nanochat.scalar "weight_decay" = 0.0 : tensor<f32>
  nanochat.optimizer "sgd" for ["embedding", "matrix", "norm"] lr(%lr) weight_decay(%wd) : tensor<f32>, tensor<f32>
}
