// mtp.mlir without a loop: its heads one after another in the text, each with a matrix of its own.
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
  %w1 = nanochat.param "mtp.w.1" normal(0.3) role "matrix" : !mat
  %w2 = nanochat.param "mtp.w.2" normal(0.3) role "matrix" : !mat
  %w3 = nanochat.param "mtp.w.3" normal(0.3) role "matrix" : !mat
  %e = nanochat.embedding %tokens, %E : !ids, !table
  %h = nanochat.linear %e, %W : !act, !mat
  %loss, %nll = nanochat.linear_cross_entropy %h, %E, %targets : !act, !table, !ids
  %by1 = arith.constant dense<1.0> : !num
  %share1 = arith.constant dense<0.5> : !num
  %z1 = nanochat.linear %h, %w1 : !act, !mat
  %next1, %own1 = nanochat.targets_ahead %targets by %by1 seq = 8 : !ids, !num
  %ce1, %n1 = nanochat.linear_cross_entropy %z1, %E, %next1 weights %own1 auxiliary : !act, !table, !ids, !tok
  %part1 = arith.mulf %share1, %ce1 : !num
  %total1 = arith.addf %loss, %part1 : !num
  %by2 = arith.constant dense<2.0> : !num
  %share2 = arith.constant dense<0.25> : !num
  %z2 = nanochat.linear %h, %w2 : !act, !mat
  %next2, %own2 = nanochat.targets_ahead %targets by %by2 seq = 8 : !ids, !num
  %ce2, %n2 = nanochat.linear_cross_entropy %z2, %E, %next2 weights %own2 auxiliary : !act, !table, !ids, !tok
  %part2 = arith.mulf %share2, %ce2 : !num
  %total2 = arith.addf %total1, %part2 : !num
  %by3 = arith.constant dense<3.0> : !num
  %share3 = arith.constant dense<0.125> : !num
  %z3 = nanochat.linear %h, %w3 : !act, !mat
  %next3, %own3 = nanochat.targets_ahead %targets by %by3 seq = 8 : !ids, !num
  %ce3, %n3 = nanochat.linear_cross_entropy %z3, %E, %next3 weights %own3 auxiliary : !act, !table, !ids, !tok
  %part3 = arith.mulf %share3, %ce3 : !num
  %total3 = arith.addf %total2, %part3 : !num
  nanochat.objective "train" %total3 : !num
  nanochat.metric "nll" %nll : !tok
  nanochat.metric "mtp.1" %ce1 : !num
  nanochat.metric "mtp.2" %ce2 : !num
  nanochat.metric "mtp.3" %ce3 : !num
} update {
  %lr = nanochat.scalar "lr" = 0.1 : !num
  %wd = nanochat.scalar "weight_decay" = 0.0 : !num
  nanochat.optimizer "sgd" for ["embedding", "matrix"] lr(%lr) weight_decay(%wd) : !num, !num
}
