// One token in 4 loops whose gates and losses are parameters: the loss of Ouro (arXiv:2510.25741) and nothing else.
!tok = tensor<1xf32>
!num = tensor<f32>
nanochat.model @exits {
  %tokens, %targets = nanochat.tokens batch = 1 seq = 1
  %E = nanochat.param "embed" normal(1.0) role "embedding" : tensor<2x4xf32>
  %Z = nanochat.param "z" normal(1.0) role "gate" : tensor<4x1xf32>
  %L = nanochat.param "nll" normal(1.0) role "gate" : tensor<4x1xf32>
  %beta = arith.constant dense<0.05> : !num
  %none = arith.constant dense<0.0> : !num
  %h = nanochat.embedding %tokens, %E : tensor<1xi32>, tensor<2x4xf32>
  %zero = nanochat.token_constant 0.0 like %h : tensor<1x4xf32>
  %last = nanochat.last_step "n_loops" = 4 : tensor<4xf32>
  %s, %exits, %p = nanochat.loop "n_loops" = 4 carry(%survival = %zero : !tok, %sum = %none : !num)
      slice(%z = %Z : tensor<4x1xf32>, %nll = %L : tensor<4x1xf32>, %is_last = %last : tensor<4xf32>) {
    %pt, %log_p, %next = nanochat.exit_step %z, %survival, %is_last : !tok
    // p·nll is the entropy of p with −nll for its logarithm.
    %minus = arith.negf %nll : !tok
    %expected = nanochat.entropy %pt, %minus : !tok
    %entropy = nanochat.entropy %pt, %log_p : !tok
    %bonus = arith.mulf %beta, %entropy : !num
    %step = arith.subf %expected, %bonus : !num
    %total = arith.addf %sum, %step : !num
    nanochat.yield %next, %total : !tok, !num stack %pt : !tok
  }
  // A program predicts, so it has a head; its loss does not count.
  %ce, %unused = nanochat.linear_cross_entropy %h, %E, %targets : tensor<1x4xf32>, tensor<2x4xf32>, tensor<1xi32>
  %nothing = arith.mulf %ce, %none : !num
  %loss = arith.addf %exits, %nothing : !num
  nanochat.objective "train" %loss : !num
  nanochat.metric "p" %p : tensor<4x1xf32>
} update {
  %lr = nanochat.scalar "lr" = 0.1 : !num
  nanochat.optimizer "sgd" for ["embedding", "gate"] lr(%lr) weight_decay(%lr) : !num, !num
}
