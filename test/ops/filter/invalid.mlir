// RUN: nanochat-opt %s --split-input-file --verify-diagnostics

func.func @sequences(%s: tensor<7xf32>) { // select_rows-c1
  // expected-error @+1 {{has 7 scores, which are no sequences of 3}}
  %r = nanochat.select_rows %s seq = 3 keep = 2 : tensor<7xf32>
  return
}

// -----

func.func @all(%s: tensor<6xf32>) { // select_rows-c2
  // expected-error @+1 {{keeps 4 tokens of each sequence of 3}}
  %r = nanochat.select_rows %s seq = 3 keep = 4 : tensor<6xf32>
  return
}

// -----

func.func @heads(%q: tensor<3x4xf32>, %k: tensor<6x3xf32>, %l: tensor<3x2xf32>, %rows: tensor<3xi32>) { // kept_attention_grad-c1
  // expected-error @+1 {{expected k and v of one type and q of heads as wide as theirs}}
  %g:3 = nanochat.kept_attention_grad %q, %k, %k, %q, %l, %q rows %rows heads = 2 kv_heads = 1 seq = 6
      : tensor<3x4xf32>, tensor<6x3xf32>, tensor<6x3xf32>, tensor<3x4xf32>, tensor<3x2xf32>, tensor<3x4xf32>, tensor<3xi32>
  return
}

// -----

func.func @lse(%q: tensor<3x4xf32>, %k: tensor<6x2xf32>, %l: tensor<6x2xf32>, %rows: tensor<3xi32>) { // kept_attention_grad-c2
  // expected-error @+1 {{expected y and dy of q's type 'tensor<3x4xf32>' and lse 'tensor<3x2xf32>'}}
  %g:3 = nanochat.kept_attention_grad %q, %k, %k, %q, %l, %q rows %rows heads = 2 kv_heads = 1 seq = 6
      : tensor<3x4xf32>, tensor<6x2xf32>, tensor<6x2xf32>, tensor<3x4xf32>, tensor<6x2xf32>, tensor<3x4xf32>, tensor<3xi32>
  return
}

// -----

func.func @rows(%q: tensor<3x4xf32>, %k: tensor<6x2xf32>, %l: tensor<3x2xf32>, %rows: tensor<3xi32>) { // kept_attention_grad-c3
  // expected-error @+1 {{expected a row for each of the 3 queries, equally many of each sequence of 3}}
  %g:3 = nanochat.kept_attention_grad %q, %k, %k, %q, %l, %q rows %rows heads = 2 kv_heads = 1 seq = 3
      : tensor<3x4xf32>, tensor<6x2xf32>, tensor<6x2xf32>, tensor<3x4xf32>, tensor<3x2xf32>, tensor<3x4xf32>, tensor<3xi32>
  return
}

// -----

nanochat.model @share {
  %tokens, %targets = nanochat.tokens batch = 1 seq = 4
  %E = nanochat.param "embed" normal(0.5) role "head" : tensor<7x3xf32>
  %e = nanochat.embedding %tokens, %E : tensor<4xi32>, tensor<7x3xf32>
  %loss, %nll = nanochat.linear_cross_entropy %e, %E, %targets : tensor<4x3xf32>, tensor<7x3xf32>, tensor<4xi32>
  // expected-error @+1 {{attribute 'keep' failed to satisfy constraint: 64-bit float attribute is above zero and at most one}}
  nanochat.objective "train" %loss filter(%nll keep = 1.5) : tensor<f32>, tensor<4xf32>
} update {
}

// -----

nanochat.model @score { // model-c19
  %tokens, %targets = nanochat.tokens batch = 1 seq = 4
  %E = nanochat.param "embed" normal(0.5) role "head" : tensor<7x3xf32>
  %e = nanochat.embedding %tokens, %E : tensor<4xi32>, tensor<7x3xf32>
  %loss, %nll = nanochat.linear_cross_entropy %e, %E, %targets : tensor<4x3xf32>, tensor<7x3xf32>, tensor<4xi32>
  %other = arith.constant dense<0.0> : tensor<3xf32>
  // expected-error @+1 {{has a score of type 'tensor<3xf32>', not one number for each of 4 tokens}}
  nanochat.objective "train" %loss filter(%other keep = 0.5) : tensor<f32>, tensor<3xf32>
} update {
}

// -----

nanochat.model @values { // token_values-c1
  %tokens, %targets = nanochat.tokens batch = 1 seq = 2
  %w = nanochat.param "w" constant(0.0) role "matrix" : tensor<2x3xf32>
  %h = nanochat.embedding %tokens, %w : tensor<2xi32>, tensor<2x3xf32>
  // expected-error @+1 {{has the name 'teacher'; what programs read from a file is 'reference'}}
  %r = nanochat.token_values "teacher" like %h : tensor<2x3xf32>
  %loss = nanochat.number 0.0 : tensor<f32>
  nanochat.objective "train" %loss : tensor<f32>
} update {
}

// -----

nanochat.model @values_twice { // model-c20
  %tokens, %targets = nanochat.tokens batch = 1 seq = 2
  %w = nanochat.param "w" constant(0.0) role "matrix" : tensor<2x3xf32>
  %h = nanochat.embedding %tokens, %w : tensor<2xi32>, tensor<2x3xf32>
  %r = nanochat.token_values "reference" like %h : tensor<2x3xf32>
  // expected-error @+1 {{is declared twice: use the first one's result}}
  %s = nanochat.token_values "reference" like %h : tensor<2x3xf32>
  %loss = nanochat.number 0.0 : tensor<f32>
  nanochat.objective "train" %loss : tensor<f32>
} update {
}

// -----

nanochat.model @values_like { // model-c21
  %tokens, %targets = nanochat.tokens batch = 1 seq = 2
  %w = nanochat.param "w" constant(0.0) role "matrix" : tensor<5x3xf32>
  // expected-error @+1 {{has 5 numbers for 2 tokens: give activations of the batch to `like`}}
  %r = nanochat.token_values "reference" like %w : tensor<5x3xf32>
  %loss = nanochat.number 0.0 : tensor<f32>
  nanochat.objective "train" %loss : tensor<f32>
} update {
}
