// RUN: nanochat-opt %s -split-input-file -verify-diagnostics

func.func @rope_table_c1() {
  // expected-error@+1 {{dim = 3 is odd; channels are rotated in pairs}}
  %t:2 = nanochat.rope_table seq = 4 dim = 3 : tensor<4x1xf32>
  return
}

// -----
func.func @rope_table_c2() {
  // expected-error@+1 {{expected tables (seq, dim/2) = (4, 2), found 'tensor<4x4xf32>'}}
  %t:2 = nanochat.rope_table seq = 4 dim = 4 : tensor<4x4xf32>
  return
}

// -----
func.func @rope_table_c3() {
  // expected-error@+1 {{attribute 'theta' failed to satisfy constraint: 64-bit float attribute is above zero and finite in f32}}
  %t:2 = nanochat.rope_table seq = 4 dim = 4 theta = 0.0 : tensor<4x2xf32>
  return
}

// -----
func.func @rope_c1(%x: tensor<4x6xf32>, %t: tensor<4x2xf32>) {
  // expected-error@+1 {{has 6 channels, but 2 heads with tables 'tensor<4x2xf32>' need 8}}
  %y = nanochat.rope %x, %t, %t heads = 2 : tensor<4x6xf32>, tensor<4x2xf32>
  return
}

// -----
func.func @rope_c2(%x: tensor<6x8xf32>, %t: tensor<4x2xf32>) {
  // expected-error@+1 {{the 6 tokens of x are no whole number of sequences of 4 positions}}
  %y = nanochat.rope %x, %t, %t heads = 2 : tensor<6x8xf32>, tensor<4x2xf32>
  return
}

// -----
func.func @attention_c1(%x: tensor<4x6xf32>) {
  // expected-error@+1 {{kv_heads = 2 does not divide heads = 3}}
  %r:2 = nanochat.attention %x, %x, %x heads = 3 kv_heads = 2 seq = 4 : tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x6xf32>
  return
}

// -----
func.func @attention_c2(%x: tensor<4x6xf32>) {
  // expected-error@+1 {{does not split into 4 heads of equal width}}
  %r:2 = nanochat.attention %x, %x, %x heads = 4 kv_heads = 2 seq = 4 : tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x6xf32>
  return
}

// -----
func.func @attention_c3(%q: tensor<4x6xf32>, %k: tensor<4x4xf32>) {
  // expected-error@+1 {{expected k and v of type 'tensor<4x2xf32>' (q's tokens and kv_heads·D channels), found 'tensor<4x4xf32>'}}
  %r:2 = nanochat.attention %q, %k, %k heads = 3 kv_heads = 1 seq = 4 : tensor<4x6xf32>, tensor<4x4xf32>, tensor<4x4xf32>
  return
}

// -----
func.func @attention_c4(%x: tensor<4x6xf32>) {
  // expected-error@+1 {{the 4 tokens of q are no whole number of sequences of 3}}
  %r:2 = nanochat.attention %x, %x, %x heads = 3 kv_heads = 3 seq = 3 : tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x6xf32>
  return
}

// -----
func.func @attention_grad_c1(%x: tensor<4x6xf32>, %y: tensor<4x4xf32>, %l: tensor<4x3xf32>) {
  // expected-error@+1 {{expected y and dy of q's type 'tensor<4x6xf32>', found 'tensor<4x4xf32>'}}
  %r:3 = nanochat.attention_grad %x, %x, %x, %l, %x y = %y : tensor<4x4xf32> heads = 3 kv_heads = 3 seq = 4
    : tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x3xf32>, tensor<4x6xf32>
  return
}

// -----
func.func @attention_grad_c2(%x: tensor<4x6xf32>, %l: tensor<4x2xf32>) {
  // expected-error@+1 {{expected lse (tokens, heads) = (4, 3), found 'tensor<4x2xf32>'}}
  %r:3 = nanochat.attention_grad %x, %x, %x, %l, %x y = %x : tensor<4x6xf32> heads = 3 kv_heads = 3 seq = 4
    : tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x2xf32>, tensor<4x6xf32>
  return
}

// -----
func.func @attention_grad_c3_both(%x: tensor<4x6xf32>, %l: tensor<4x3xf32>) {
  // expected-error@+1 {{takes y or δ, which follows from it, and here are both}}
  %r:3 = nanochat.attention_grad %x, %x, %x, %l, %x y = %x : tensor<4x6xf32> delta = %l : tensor<4x3xf32> heads = 3 kv_heads = 3 seq = 4
    : tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x3xf32>, tensor<4x6xf32>
  return
}

// -----
func.func @attention_grad_c3_neither(%x: tensor<4x6xf32>, %l: tensor<4x3xf32>) {
  // expected-error@+1 {{takes y or δ, which follows from it, and here is neither}}
  %r:3 = nanochat.attention_grad %x, %x, %x, %l, %x heads = 3 kv_heads = 3 seq = 4
    : tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x3xf32>, tensor<4x6xf32>
  return
}

// -----
func.func @attention_grad_c4(%x: tensor<4x6xf32>, %l: tensor<4x3xf32>) {
  // expected-error@+1 {{expected δ of lse's type 'tensor<4x3xf32>', found 'tensor<4x6xf32>'}}
  %r:3 = nanochat.attention_grad %x, %x, %x, %l, %x delta = %x : tensor<4x6xf32> heads = 3 kv_heads = 3 seq = 4
    : tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x3xf32>, tensor<4x6xf32>
  return
}
