// A dense model of 2 layers in 2 loops: what the first test of every stage reads.
nanochat.model @dense {
  %tokens, %targets = nanochat.tokens batch = 2 seq = 8
  %table = nanochat.param "embed" normal(0.02) role "embedding" : tensor<257x12xf32>
  %W = nanochat.param "layers.w" normal(0.02) role "matrix" stack "layers" : tensor<2x12x12xf32>
  %g = nanochat.param "layers.g" constant(1.0) role "norm" stack "layers" : tensor<2x12xf32>
  %h0 = nanochat.embedding %tokens, %table : tensor<16xi32>, tensor<257x12xf32>
  %h = nanochat.loop "n_loops" = 2 carry(%h = %h0 : tensor<16x12xf32>) {
    %x = nanochat.loop "layers" = 2 carry(%x = %h : tensor<16x12xf32>) slice(%w = %W : tensor<2x12x12xf32>, %gain = %g : tensor<2x12xf32>) {
      %n = nanochat.rms_norm %x, %gain : tensor<16x12xf32>, tensor<12xf32>
      %y = nanochat.linear %n, %w : tensor<16x12xf32>, tensor<12x12xf32>
      %z = arith.addf %x, %y : tensor<16x12xf32>
      nanochat.yield %z : tensor<16x12xf32>
    }
    nanochat.yield %x : tensor<16x12xf32>
  }
  %loss, %nll = nanochat.linear_cross_entropy %h, %table, %targets : tensor<16x12xf32>, tensor<257x12xf32>, tensor<16xi32>
  nanochat.objective "train" %loss : tensor<f32>
  nanochat.metric "nll" %nll : tensor<16xf32>
} update {
  %lr = nanochat.scalar "lr" = 0.1 : tensor<f32>
  %wd = nanochat.scalar "weight_decay" = 0.0 : tensor<f32>
  nanochat.optimizer "sgd" for ["embedding", "matrix", "norm"] lr(%lr) weight_decay(%wd) : tensor<f32>, tensor<f32>
}
