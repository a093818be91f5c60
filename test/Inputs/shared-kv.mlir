// Four heads that share two of keys and values; a gate of squared ReLUs.
!act = tensor<27x24xf32>
!kv = tensor<27x12xf32>
!mid = tensor<27x20xf32>
!rot = tensor<9x3xf32>

nanochat.model @shared_kv {
  %tokens, %targets = nanochat.tokens batch = 3 seq = 9
  %E = nanochat.param "embed" normal(0.5) role "embedding" : tensor<257x24xf32>
  %N1 = nanochat.param "layers.norm1" normal(1.0) role "norm" stack "layers" : tensor<2x24xf32>
  %Wq = nanochat.param "layers.q" normal(0.3) role "matrix" stack "layers" : tensor<2x24x24xf32>
  %Wk = nanochat.param "layers.k" normal(0.3) role "matrix" stack "layers" : tensor<2x12x24xf32>
  %Wv = nanochat.param "layers.v" normal(0.3) role "matrix" stack "layers" : tensor<2x12x24xf32>
  %Wo = nanochat.param "layers.o" normal(0.3) role "matrix" stack "layers" : tensor<2x24x24xf32>
  %N2 = nanochat.param "layers.norm2" normal(1.0) role "norm" stack "layers" : tensor<2x24xf32>
  %Wg = nanochat.param "layers.gate" normal(0.3) role "matrix" stack "layers" : tensor<2x20x24xf32>
  %Wu = nanochat.param "layers.up" normal(0.3) role "matrix" stack "layers" : tensor<2x20x24xf32>
  %Wd = nanochat.param "layers.down" normal(0.3) role "matrix" stack "layers" : tensor<2x24x20xf32>

  %cos, %sin = nanochat.rope_table seq = 9 dim = 6 : !rot
  %h0 = nanochat.embedding %tokens, %E : tensor<27xi32>, tensor<257x24xf32>
  %x = nanochat.loop "layers" = 2 carry(%x = %h0 : !act)
      slice(%n1 = %N1 : tensor<2x24xf32>, %wq = %Wq : tensor<2x24x24xf32>, %wk = %Wk : tensor<2x12x24xf32>,
            %wv = %Wv : tensor<2x12x24xf32>, %wo = %Wo : tensor<2x24x24xf32>, %n2 = %N2 : tensor<2x24xf32>,
            %wg = %Wg : tensor<2x20x24xf32>, %wu = %Wu : tensor<2x20x24xf32>, %wd = %Wd : tensor<2x24x20xf32>) recompute(cheap) {
    %a = nanochat.rms_norm %x, %n1 : !act, tensor<24xf32>
    %q = nanochat.ternary_linear %a, %wq : !act, tensor<24x24xf32>
    %k = nanochat.ternary_linear %a, %wk : !act, tensor<12x24xf32>
    %v = nanochat.ternary_linear %a, %wv : !act, tensor<12x24xf32>
    %qr = nanochat.rope %q, %cos, %sin heads = 4 : !act, !rot
    %kr = nanochat.rope %k, %cos, %sin heads = 2 : !kv, !rot
    %y, %lse = nanochat.attention %qr, %kr, %v heads = 4 kv_heads = 2 seq = 9 : !act, !kv, !kv
    %o = nanochat.ternary_linear %y, %wo : !act, tensor<24x24xf32>
    %x1 = arith.addf %x, %o : !act
    %b = nanochat.rms_norm %x1, %n2 : !act, tensor<24xf32>
    %g = nanochat.ternary_linear %b, %wg : !act, tensor<20x24xf32>
    %u = nanochat.ternary_linear %b, %wu : !act, tensor<20x24xf32>
    %m = nanochat.relu2_glu %g, %u : !mid
    %d = nanochat.ternary_linear %m, %wd : !mid, tensor<24x20xf32>
    %x2 = arith.addf %x1, %d : !act
    nanochat.yield %x2 : !act
  }
  %loss, %nll = nanochat.linear_cross_entropy %x, %E, %targets : !act, tensor<257x24xf32>, tensor<27xi32>
  nanochat.objective "train" %loss : tensor<f32>
  nanochat.metric "nll" %nll : tensor<27xf32>
} update {
  %lr = nanochat.scalar "lr" = 0.01 : tensor<f32>
  %wd = nanochat.scalar "weight_decay" = 0.0 : tensor<f32>
  nanochat.optimizer "sgd" for ["embedding", "matrix", "norm"] lr(%lr) weight_decay(%wd) : tensor<f32>, tensor<f32>
}
