// GPT-2 small, 124 439 808 parameters: 12 layers, d 768, 12 heads, 1024 learned positions, biases on every
// linear but the output head, which is the embedding. Weights start as in GPT-2: N(0, 0.02), divided by
// √24 where a linear adds to the residual stream, which 24 of them do. Sizes of a step: --set batch=8.
!act = tensor<4096x768xf32>
!mid = tensor<4096x3072xf32>
!vec = tensor<768xf32>
!wide = tensor<3072xf32>
!att = tensor<768x768xf32>
!up = tensor<3072x768xf32>
!down = tensor<768x3072xf32>

nanochat.model @gpt2_124m {
  %tokens, %targets = nanochat.tokens batch = 4 seq = 1024

  %E = nanochat.param "embed" normal(0.02) role "embedding" : tensor<50257x768xf32>
  %P = nanochat.param "position" normal(0.02) role "embedding" : tensor<1024x768xf32>
  %G1 = nanochat.param "layers.norm1.gain" constant(1.0) role "norm" stack "layers" : tensor<12x768xf32>
  %B1 = nanochat.param "layers.norm1.bias" constant(0.0) role "norm" stack "layers" : tensor<12x768xf32>
  %Wq = nanochat.param "layers.q" normal(0.02) role "matrix" stack "layers" : tensor<12x768x768xf32>
  %Bq = nanochat.param "layers.q.bias" constant(0.0) role "bias" stack "layers" : tensor<12x768xf32>
  %Wk = nanochat.param "layers.k" normal(0.02) role "matrix" stack "layers" : tensor<12x768x768xf32>
  %Bk = nanochat.param "layers.k.bias" constant(0.0) role "bias" stack "layers" : tensor<12x768xf32>
  %Wv = nanochat.param "layers.v" normal(0.02) role "matrix" stack "layers" : tensor<12x768x768xf32>
  %Bv = nanochat.param "layers.v.bias" constant(0.0) role "bias" stack "layers" : tensor<12x768xf32>
  %Wo = nanochat.param "layers.o" normal(0.00408248290463863) role "matrix" stack "layers" : tensor<12x768x768xf32>
  %Bo = nanochat.param "layers.o.bias" constant(0.0) role "bias" stack "layers" : tensor<12x768xf32>
  %G2 = nanochat.param "layers.norm2.gain" constant(1.0) role "norm" stack "layers" : tensor<12x768xf32>
  %B2 = nanochat.param "layers.norm2.bias" constant(0.0) role "norm" stack "layers" : tensor<12x768xf32>
  %Wu = nanochat.param "layers.up" normal(0.02) role "matrix" stack "layers" : tensor<12x3072x768xf32>
  %Bu = nanochat.param "layers.up.bias" constant(0.0) role "bias" stack "layers" : tensor<12x3072xf32>
  %Wd = nanochat.param "layers.down" normal(0.00408248290463863) role "matrix" stack "layers" : tensor<12x768x3072xf32>
  %Bd = nanochat.param "layers.down.bias" constant(0.0) role "bias" stack "layers" : tensor<12x768xf32>
  %Gf = nanochat.param "norm.gain" constant(1.0) role "norm" : !vec
  %Bf = nanochat.param "norm.bias" constant(0.0) role "norm" : !vec

  %e = nanochat.embedding %tokens, %E : tensor<4096xi32>, tensor<50257x768xf32>
  %h0 = nanochat.position_embedding %e, %P seq = 1024 : !act, tensor<1024x768xf32>
  %h = nanochat.loop "layers" = 12 carry(%x = %h0 : !act)
      slice(%g1 = %G1 : tensor<12x768xf32>, %b1 = %B1 : tensor<12x768xf32>,
            %wq = %Wq : tensor<12x768x768xf32>, %bq = %Bq : tensor<12x768xf32>,
            %wk = %Wk : tensor<12x768x768xf32>, %bk = %Bk : tensor<12x768xf32>,
            %wv = %Wv : tensor<12x768x768xf32>, %bv = %Bv : tensor<12x768xf32>,
            %wo = %Wo : tensor<12x768x768xf32>, %bo = %Bo : tensor<12x768xf32>,
            %g2 = %G2 : tensor<12x768xf32>, %b2 = %B2 : tensor<12x768xf32>,
            %wu = %Wu : tensor<12x3072x768xf32>, %bu = %Bu : tensor<12x3072xf32>,
            %wd = %Wd : tensor<12x768x3072xf32>, %bd = %Bd : tensor<12x768xf32>) recompute(cheap) {
    %a = nanochat.layer_norm %x, %g1, %b1 : !act, !vec, !vec
    %q = nanochat.linear %a, %wq bias %bq : !act, !att bias !vec
    %k = nanochat.linear %a, %wk bias %bk : !act, !att bias !vec
    %v = nanochat.linear %a, %wv bias %bv : !act, !att bias !vec
    %y, %lse = nanochat.attention %q, %k, %v heads = 12 kv_heads = 12 seq = 1024 : !act, !act, !act
    %o = nanochat.linear %y, %wo bias %bo : !act, !att bias !vec
    %x1 = arith.addf %x, %o : !act
    %b = nanochat.layer_norm %x1, %g2, %b2 : !act, !vec, !vec
    %u = nanochat.linear %b, %wu bias %bu : !act, !up bias !wide
    %m = nanochat.gelu %u : !mid
    %d = nanochat.linear %m, %wd bias %bd : !mid, !down bias !vec
    %x2 = arith.addf %x1, %d : !act
    nanochat.yield %x2 : !act
  }
  %hf = nanochat.layer_norm %h, %Gf, %Bf : !act, !vec, !vec
  %loss, %nll = nanochat.linear_cross_entropy %hf, %E, %targets : !act, tensor<50257x768xf32>, tensor<4096xi32>
  nanochat.objective "train" %loss : tensor<f32>
  nanochat.metric "nll" %nll : tensor<4096xf32>
} update {
  %step = nanochat.scalar "step" = 0.0 : tensor<f32>
  %steps = nanochat.scalar "steps" = 1.0 : tensor<f32>
  %peak = nanochat.scalar "lr" = 6.0e-4 : tensor<f32>
  %wd = nanochat.scalar "weight_decay" = 0.1 : tensor<f32>
  %none = arith.constant dense<0.0> : tensor<f32>
  %norm = nanochat.scalar "grad_norm" = 0.0 : tensor<f32>
  %lr = nanochat.cosine %peak, %step, %steps {warmup = 700, final = 0.1 : f64} : tensor<f32>
  %clip = nanochat.clip_scale %norm : tensor<f32>
  nanochat.metric "lr" %lr : tensor<f32>
  // Weight decay is for what has two dimensions in a layer: gains and biases go without.
  nanochat.optimizer "adamw" for ["embedding", "matrix"] lr(%lr) weight_decay(%wd) grad_scale(%clip)
    : tensor<f32>, tensor<f32>, tensor<f32>
  nanochat.optimizer "adamw" for ["norm", "bias"] lr(%lr) weight_decay(%none) grad_scale(%clip)
    : tensor<f32>, tensor<f32>, tensor<f32>
}
