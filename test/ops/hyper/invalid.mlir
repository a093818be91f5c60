// RUN: nanochat-opt %s --split-input-file --verify-diagnostics

func.func @collapse(%x: tensor<5x7xf32>) { // collapse_streams-c1
  // expected-error @+1 {{has 7 channels, which are no 2 streams of one width}}
  %h = nanochat.collapse_streams %x streams = 2 : tensor<5x7xf32>
  return
}

// -----

func.func @mix_tokens(%x: tensor<5x6xf32>, %pre: tensor<4x2xf32>) { // mix_streams-c1
  // expected-error @+1 {{has 5 tokens and coefficients 'tensor<4x2xf32>'}}
  %y = nanochat.mix_streams %x, %pre : tensor<5x6xf32>, tensor<4x2xf32>
  return
}

// -----

func.func @mix_width(%x: tensor<5x6xf32>, %pre: tensor<5x4xf32>) { // mix_streams-c2
  // expected-error @+1 {{has 6 channels, which are no 4 streams of one width}}
  %y = nanochat.mix_streams %x, %pre : tensor<5x6xf32>, tensor<5x4xf32>
  return
}

// -----

func.func @update_tokens(%x: tensor<5x6xf32>, %res: tensor<5x4xf32>, %post: tensor<4x2xf32>, %y: tensor<5x3xf32>) { // update_streams-c1
  // expected-error @+1 {{has 5 tokens and coefficients 'tensor<4x2xf32>'}}
  %o = nanochat.update_streams %x, %res, %post, %y : tensor<5x6xf32>, tensor<5x4xf32>, tensor<4x2xf32>, tensor<5x3xf32>
  return
}

// -----

func.func @update_width(%x: tensor<5x7xf32>, %res: tensor<5x4xf32>, %post: tensor<5x2xf32>, %y: tensor<5x3xf32>) { // update_streams-c2
  // expected-error @+1 {{has 7 channels, which are no 2 streams of one width}}
  %o = nanochat.update_streams %x, %res, %post, %y : tensor<5x7xf32>, tensor<5x4xf32>, tensor<5x2xf32>, tensor<5x3xf32>
  return
}

// -----

func.func @update_matrix(%x: tensor<5x6xf32>, %res: tensor<5x5xf32>, %post: tensor<5x2xf32>, %y: tensor<5x3xf32>) { // update_streams-c3
  // expected-error @+1 {{mixes 2 streams by 5 coefficients, not 4}}
  %o = nanochat.update_streams %x, %res, %post, %y : tensor<5x6xf32>, tensor<5x5xf32>, tensor<5x2xf32>, tensor<5x3xf32>
  return
}

// -----

func.func @update_output(%x: tensor<5x6xf32>, %res: tensor<5x4xf32>, %post: tensor<5x2xf32>, %y: tensor<5x4xf32>) { // update_streams-c4
  // expected-error @+1 {{adds 4 channels to streams of 3}}
  %o = nanochat.update_streams %x, %res, %post, %y : tensor<5x6xf32>, tensor<5x4xf32>, tensor<5x2xf32>, tensor<5x4xf32>
  return
}

// -----

func.func @coefficients_width(%x: tensor<5x7xf32>, %b: tensor<8xf32>) { // hyper_coefficients-c1
  // expected-error @+1 {{has 7 channels, which are no 2 streams of one width}}
  %p, %q, %r = nanochat.hyper_coefficients sinkhorn %x, %b streams = 2 : tensor<5x7xf32>, tensor<8xf32>
  return
}

// -----

func.func @too_many(%x: tensor<5x6xf32>, %b: tensor<732xf32>) { // hyper_coefficients-c2
  // expected-error @+1 {{mixes 6 streams by their permutations, of which there are too many from 6 on; sinkhorn has n² logits}}
  %p, %q, %r = nanochat.hyper_coefficients permutation %x, %b streams = 6 : tensor<5x6xf32>, tensor<732xf32>
  return
}

// -----

func.func @bias(%x: tensor<5x6xf32>, %b: tensor<8xf32>) { // hyper_coefficients-c3
  // expected-error @+1 {{has a bias of 8 logits; 2 streams have 6 in permutation}}
  %p, %q, %r = nanochat.hyper_coefficients permutation %x, %b streams = 2 : tensor<5x6xf32>, tensor<8xf32>
  return
}

// -----

func.func @alone(%x: tensor<5x6xf32>, %b: tensor<8xf32>, %phi: tensor<8x6xf32>) { // hyper_coefficients-c4
  // expected-error @+1 {{has one of phi and alpha; logits that depend on tokens take both}}
  %p, %q, %r = "nanochat.hyper_coefficients"(%x, %b, %phi) <{kind = 0 : i32, streams = 2 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 0>}>
    : (tensor<5x6xf32>, tensor<8xf32>, tensor<8x6xf32>) -> (tensor<5x2xf32>, tensor<5x2xf32>, tensor<5x4xf32>)
  return
}

// -----

func.func @phi(%x: tensor<5x6xf32>, %b: tensor<8xf32>, %phi: tensor<6x8xf32>, %alpha: tensor<3xf32>) { // hyper_coefficients-c5
  // expected-error @+1 {{has phi 'tensor<6x8xf32>'; 8 logits of 6 channels are 8x6}}
  %p, %q, %r = nanochat.hyper_coefficients sinkhorn %x, %b phi %phi, %alpha streams = 2 : tensor<5x6xf32>, tensor<8xf32>, tensor<6x8xf32>, tensor<3xf32>
  return
}

// -----

func.func @none_streams(%x: tensor<5x6xf32>) {
  // expected-error @+1 {{attribute 'streams' failed to satisfy constraint}}
  %h = "nanochat.collapse_streams"(%x) <{streams = 0 : i64}> : (tensor<5x6xf32>) -> tensor<5x6xf32>
  return
}

// -----

func.func @no_coefficients(%x: tensor<5x6xf32>, %pre: tensor<5x0xf32>) {
  // expected-error @+1 {{has 6 channels, which are no 0 streams of one width}}
  %y = nanochat.mix_streams %x, %pre : tensor<5x6xf32>, tensor<5x0xf32>
  return
}

// -----

func.func @mix_types(%x: tensor<5x6xf32>, %pre: tensor<5x2xf64>) { // mix_streams-c3
  // expected-error @+1 {{has streams 'tensor<5x6xf32>' and 'tensor<5x2xf64>' of another type}}
  %y = nanochat.mix_streams %x, %pre : tensor<5x6xf32>, tensor<5x2xf64>
  return
}

// -----

func.func @iterations(%x: tensor<5x6xf32>, %b: tensor<8xf32>) { // hyper_coefficients-c7
  // expected-error @+1 {{iterates 3 times in none, which only sinkhorn does}}
  %p, %q, %r = nanochat.hyper_coefficients none %x, %b streams = 2 iterations = 3 : tensor<5x6xf32>, tensor<8xf32>
  return
}

// -----

func.func @many_iterations(%x: tensor<5x6xf32>, %b: tensor<8xf32>) { // hyper_coefficients-c8
  // expected-error @+1 {{divides 4 numbers 2000 times; the product is at most 4096}}
  %p, %q, %r = nanochat.hyper_coefficients sinkhorn %x, %b streams = 2 iterations = 2000 : tensor<5x6xf32>, tensor<8xf32>
  return
}

// -----

func.func @types(%x: tensor<5x6xf32>, %b: tensor<8xf64>) { // hyper_coefficients-c9
  // expected-error @+1 {{has streams 'tensor<5x6xf32>' and 'tensor<8xf64>' of another type}}
  %p, %q, %r = nanochat.hyper_coefficients sinkhorn %x, %b streams = 2 : tensor<5x6xf32>, tensor<8xf64>
  return
}

// -----

func.func @alpha(%x: tensor<5x6xf32>, %b: tensor<8xf32>, %phi: tensor<8x6xf32>, %alpha: tensor<2xf32>) { // hyper_coefficients-c6
  // expected-error @+1 {{has 2 factors alpha; they are of pre, post and res, three}}
  %p, %q, %r = nanochat.hyper_coefficients sinkhorn %x, %b phi %phi, %alpha streams = 2 : tensor<5x6xf32>, tensor<8xf32>, tensor<8x6xf32>, tensor<2xf32>
  return
}
