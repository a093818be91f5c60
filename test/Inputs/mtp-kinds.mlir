// Other kinds of heads: linear ones with words of their own, the main head's logits against targets further ahead, and a chain that sees
// the tokens between (DeepSeek-V3), its share a scalar of the run.
!act = tensor<8x6xf32>
!tok = tensor<8xf32>
!ids = tensor<8xi32>
!mat = tensor<6x6xf32>
!table = tensor<11x6xf32>
!vec = tensor<6xf32>
!num = tensor<f32>

nanochat.model @mtp_kinds {
  %tokens, %targets = nanochat.tokens batch = 2 seq = 4
  %lambda = nanochat.scalar "lambda" = 0.3 : !num
  %E = nanochat.param "embed" normal(0.5) role "embedding" : !table
  %W = nanochat.param "trunk" normal(0.3) role "matrix" : !mat
  %U = nanochat.param "mtp.words" normal(0.3) role "head" stack "own" : tensor<2x13x6xf32>
  %P = nanochat.param "chain.state" normal(0.3) role "matrix" stack "chain" : tensor<2x6x6xf32>
  %Q = nanochat.param "chain.token" normal(0.3) role "matrix" stack "chain" : tensor<2x6x6xf32>
  %N = nanochat.param "chain.norm" constant(1.0) role "norm" : !vec
  %none = arith.constant dense<0.0> : !num
  %ahead = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %e = nanochat.embedding %tokens, %E : !ids, !table
  %h = nanochat.linear %e, %W : !act, !mat
  %loss, %nll = nanochat.linear_cross_entropy %h, %E, %targets : !act, !table, !ids
  %own = nanochat.loop "own" = 2 carry(%sum = %loss : !num) slice(%by = %ahead : tensor<2xf32>, %u = %U : tensor<2x13x6xf32>) {
    %next, %weights = nanochat.targets_ahead %targets by %by seq = 4 : !ids, !num
    %ce, %n = nanochat.linear_cross_entropy %h, %u, %next weights %weights auxiliary : !act, tensor<13x6xf32>, !ids, !tok
    %same, %m = nanochat.linear_cross_entropy %h, %E, %next weights %weights auxiliary : !act, !table, !ids, !tok
    %both = arith.addf %ce, %same : !num
    %total = arith.addf %sum, %both : !num
    nanochat.yield %total : !num
  }
  // The token that head k sees is target k of the main head: the targets themselves, then those one further ahead.
  %last, %seen, %chain = nanochat.loop "chain" = 2 carry(%g = %h : !act, %token = %targets : !ids, %sum = %none : !num)
      slice(%by = %ahead : tensor<2xf32>, %p = %P : tensor<2x6x6xf32>, %q = %Q : tensor<2x6x6xf32>) {
    %gn = nanochat.rms_norm %g, %N : !act, !vec
    %zero = arith.constant dense<0> : !ids
    %known = arith.maxsi %token, %zero : !ids
    %t = nanochat.embedding %known, %E : !ids, !table
    %tn = nanochat.rms_norm %t, %N : !act, !vec
    %a = nanochat.linear %gn, %p : !act, !mat
    %b = nanochat.linear %tn, %q : !act, !mat
    %z = arith.addf %a, %b : !act
    %next, %weights = nanochat.targets_ahead %targets by %by seq = 4 : !ids, !num
    %ce, %n = nanochat.linear_cross_entropy %z, %E, %next weights %weights auxiliary : !act, !table, !ids, !tok
    %total = arith.addf %sum, %ce : !num
    nanochat.yield %z, %next, %total : !act, !ids, !num
  }
  %share = arith.mulf %lambda, %chain : !num
  %all = arith.addf %own, %share : !num
  nanochat.objective "train" %all : !num
  nanochat.metric "nll" %nll : !tok
} update {
  %lr = nanochat.scalar "lr" = 0.1 : !num
  %wd = nanochat.scalar "weight_decay" = 0.0 : !num
  nanochat.optimizer "sgd" for ["embedding", "matrix", "head", "norm"] lr(%lr) weight_decay(%wd) : !num, !num
}
