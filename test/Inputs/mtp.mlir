// Multi-token prediction without a gate: a trunk of one linear, and three heads of one linear each that share the embedding.
!act = tensor<16x12xf32>
!tok = tensor<16xf32>
!ids = tensor<16xi32>
!mat = tensor<12x12xf32>
!table = tensor<97x12xf32>
!num = tensor<f32>

nanochat.model @mtp {
  %tokens, %targets = nanochat.tokens batch = 2 seq = 8
  %E = nanochat.param "embed" normal(0.5) role "embedding" : !table
  %W = nanochat.param "trunk" normal(0.3) role "matrix" : !mat
  %M = nanochat.param "mtp.w" normal(0.3) role "matrix" stack "mtp" : tensor<3x12x12xf32>
  %e = nanochat.embedding %tokens, %E : !ids, !table
  %h = nanochat.linear %e, %W : !act, !mat
  %loss, %nll = nanochat.linear_cross_entropy %h, %E, %targets : !act, !table, !ids
  %ahead = arith.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %shares = arith.constant dense<[0.5, 0.25, 0.125]> : tensor<3xf32>
  %all, %mtp = nanochat.loop "mtp" = 3 carry(%sum = %loss : !num)
      slice(%by = %ahead : tensor<3xf32>, %share = %shares : tensor<3xf32>, %w = %M : tensor<3x12x12xf32>) recompute(body) {
    %z = nanochat.linear %h, %w : !act, !mat
    %next, %own = nanochat.targets_ahead %targets by %by seq = 8 : !ids, !num
    %ce, %n = nanochat.linear_cross_entropy %z, %E, %next weights %own auxiliary : !act, !table, !ids, !tok
    %part = arith.mulf %share, %ce : !num
    %total = arith.addf %sum, %part : !num
    nanochat.yield %total : !num stack %ce : !num
  }
  nanochat.objective "train" %all : !num
  nanochat.metric "nll" %nll : !tok
  nanochat.metric "mtp" %mtp : tensor<3xf32>
} update {
  %lr = nanochat.scalar "lr" = 0.1 : !num
  %wd = nanochat.scalar "weight_decay" = 0.0 : !num
  nanochat.optimizer "sgd" for ["embedding", "matrix"] lr(%lr) weight_decay(%wd) : !num, !num
}
