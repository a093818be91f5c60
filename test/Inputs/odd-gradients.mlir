// Gradients that ranks might mistake: two parameters with one value as gradient, of rules of which one takes rows apart; a loss that
// a parameter scales, so that it is that one's gradient; one that is added, with the gradient 1; and one that nothing reads.
!act = tensor<64x256xf32>
!tab = tensor<257x256xf32>
!num = tensor<f32>
nanochat.model @odd_gradients {
  %tokens, %targets = nanochat.tokens batch = 4 seq = 16
  %A = nanochat.param "a" normal(0.1) role "embedding" : !tab
  %B = nanochat.param "b" normal(0.1) role "matrix" : !tab
  %E = nanochat.param "head" normal(0.1) role "embedding" : !tab
  %S = nanochat.param "factor" constant(1.0) role "gate" : !num
  %T = nanochat.param "term" constant(0.0) role "gate" : !num
  %U = nanochat.param "unused" constant(0.0) role "gate" : !num
  %x = nanochat.embedding %tokens, %A : tensor<64xi32>, !tab
  %y = nanochat.embedding %tokens, %B : tensor<64xi32>, !tab
  %h = arith.addf %x, %y : !act
  %ce, %nll = nanochat.linear_cross_entropy %h, %E, %targets : !act, !tab, tensor<64xi32>
  %scaled = arith.mulf %ce, %S : !num
  %loss = arith.addf %scaled, %T : !num
  nanochat.objective "train" %loss : !num
  nanochat.metric "nll" %nll : tensor<64xf32>
} update {
  %lr = nanochat.scalar "lr" = 0.01 : !num
  %wd = nanochat.scalar "weight_decay" = 0.0 : !num
  nanochat.optimizer "adamw" for ["embedding", "gate"] lr(%lr) weight_decay(%wd) : !num, !num
  nanochat.optimizer "muon" for ["matrix"] lr(%lr) weight_decay(%wd) : !num, !num
}
