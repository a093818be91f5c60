// RUN: nanochat-opt %s --nanochat-check-numeric
// numeric.py has random ones against an oracle.

// Two streams of two channels: copies, their sum and mean, and what a sub-layer reads.
func.func @streams() -> (tensor<1x4xf64>, tensor<1x4xf64>, tensor<1x2xf64>, tensor<1x2xf64>, tensor<1x2xf64>, tensor<1x2xf64>, tensor<1x2xf64>, tensor<1x2xf64>) {
  %h = arith.constant dense<[[1.0, 2.0]]> : tensor<1x2xf64>
  %c = nanochat.copy_streams %h streams = 2 : tensor<1x2xf64>
  %ec = arith.constant dense<[[1.0, 2.0, 1.0, 2.0]]> : tensor<1x4xf64>
  %x = arith.constant dense<[[1.0, 2.0, 10.0, 20.0]]> : tensor<1x4xf64>
  %s = nanochat.collapse_streams %x streams = 2 : tensor<1x4xf64>
  %es = arith.constant dense<[[11.0, 22.0]]> : tensor<1x2xf64>
  %m = nanochat.collapse_streams %x streams = 2 mean : tensor<1x4xf64>
  %em = arith.constant dense<[[5.5, 11.0]]> : tensor<1x2xf64>
  %pre = arith.constant dense<[[2.0, -1.0]]> : tensor<1x2xf64>
  %y = nanochat.mix_streams %x, %pre : tensor<1x4xf64>, tensor<1x2xf64>
  %ey = arith.constant dense<[[-8.0, -16.0]]> : tensor<1x2xf64>
  return %c, %ec, %s, %es, %m, %em, %y, %ey : tensor<1x4xf64>, tensor<1x4xf64>, tensor<1x2xf64>, tensor<1x2xf64>, tensor<1x2xf64>, tensor<1x2xf64>, tensor<1x2xf64>, tensor<1x2xf64>
}

// Old streams are mixed, row j of the matrix making stream j, and the new output is added after: 1·1 + 2·10 + 5·100, ….
func.func @update() -> (tensor<1x4xf64>, tensor<1x4xf64>) {
  %x = arith.constant dense<[[1.0, 2.0, 10.0, 20.0]]> : tensor<1x4xf64>
  %res = arith.constant dense<[[1.0, 2.0, 3.0, 4.0]]> : tensor<1x4xf64>
  %post = arith.constant dense<[[5.0, 6.0]]> : tensor<1x2xf64>
  %y = arith.constant dense<[[100.0, 200.0]]> : tensor<1x2xf64>
  %o = nanochat.update_streams %x, %res, %post, %y : tensor<1x4xf64>, tensor<1x4xf64>, tensor<1x2xf64>, tensor<1x2xf64>
  %e = arith.constant dense<[[521.0, 1042.0, 643.0, 1286.0]]> : tensor<1x4xf64>
  return %o, %e : tensor<1x4xf64>, tensor<1x4xf64>
}

// The limit of [[0, 1], [.5, 2]]; gates of 0 are a half and, doubled, 1.
func.func @two_streams() -> (tensor<1x2xf64>, tensor<1x2xf64>, tensor<1x2xf64>, tensor<1x2xf64>, tensor<1x4xf64>, tensor<1x4xf64>) attributes {nanochat.tolerance = 1.0e-8 : f64} {
  %x = arith.constant dense<1.0> : tensor<1x4xf64>
  %b = arith.constant dense<[0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.5, 2.0]> : tensor<8xf64>
  %pre, %post, %res = nanochat.hyper_coefficients sinkhorn %x, %b streams = 2 : tensor<1x4xf64>, tensor<8xf64>
  %ep = arith.constant dense<0.5> : tensor<1x2xf64>
  %eq = arith.constant dense<1.0> : tensor<1x2xf64>
  %er = arith.constant dense<[[0.562176501, 0.437823499, 0.437823499, 0.562176501]]> : tensor<1x4xf64>
  return %pre, %ep, %post, %eq, %res, %er : tensor<1x2xf64>, tensor<1x2xf64>, tensor<1x2xf64>, tensor<1x2xf64>, tensor<1x4xf64>, tensor<1x4xf64>
}

// Logits i·j: columns are divided first, so that rows sum to 1 exactly; rows first would give (.25, .25, .25, .25) here.
func.func @four_streams() -> (tensor<1x4xf32>, tensor<1x4xf32>, tensor<1x4xf32>, tensor<1x4xf32>) attributes {nanochat.tolerance = 2.0e-6 : f64} {
  %x = arith.constant dense<1.0> : tensor<1x4xf32>
  %b = arith.constant dense<[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 0.0, 2.0, 4.0, 6.0, 0.0, 3.0, 6.0, 9.0]> : tensor<24xf32>
  %p1, %q1, %once = nanochat.hyper_coefficients sinkhorn %x, %b streams = 4 iterations = 1 : tensor<1x4xf32>, tensor<24xf32>
  %p2, %q2, %often = nanochat.hyper_coefficients sinkhorn %x, %b streams = 4 : tensor<1x4xf32>, tensor<24xf32>
  %r1 = tensor.extract_slice %once[0, 0] [1, 4] [1, 1] : tensor<1x16xf32> to tensor<1x4xf32>
  %r2 = tensor.extract_slice %often[0, 0] [1, 4] [1, 1] : tensor<1x16xf32> to tensor<1x4xf32>
  %e1 = arith.constant dense<[[0.879291, 0.112755, 0.007541, 0.000412]]> : tensor<1x4xf32>
  %e2 = arith.constant dense<[[0.625136, 0.300802, 0.067118, 0.006945]]> : tensor<1x4xf32>
  return %r1, %e1, %r2, %e2 : tensor<1x4xf32>, tensor<1x4xf32>, tensor<1x4xf32>, tensor<1x4xf32>
}

// Weights 1 to 24 of three hundred, and all weight on the second of six; one stream is all there is.
func.func @permutations() -> (tensor<1x16xf64>, tensor<1x16xf64>, tensor<1x9xf64>, tensor<1x9xf64>, tensor<1x1xf64>, tensor<1x1xf64>) attributes {nanochat.tolerance = 1.0e-9 : f64} {
  %x = arith.constant dense<1.0> : tensor<1x4xf64>
  %n = arith.constant dense<[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0, 17.0, 18.0, 19.0, 20.0, 21.0, 22.0, 23.0, 24.0]> : tensor<24xf64>
  %l = math.log %n : tensor<24xf64>
  %z = arith.constant dense<0.0> : tensor<32xf64>
  %b = tensor.insert_slice %l into %z[8] [24] [1] : tensor<24xf64> into tensor<32xf64>
  %p, %q, %res = nanochat.hyper_coefficients permutation %x, %b streams = 4 : tensor<1x4xf64>, tensor<32xf64>
  %e = arith.constant dense<[[0.07, 0.19, 0.31, 0.43, 0.27, 0.25666666666666665, 0.24333333333333335, 0.23, 0.32, 0.2733333333333333, 0.22666666666666666, 0.18, 0.34, 0.28, 0.22, 0.16]]> : tensor<1x16xf64>
  %y = arith.constant dense<1.0> : tensor<1x3xf64>
  %one = arith.constant dense<[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 80.0, 0.0, 0.0, 0.0, 0.0]> : tensor<12xf64>
  %r, %t, %hot = nanochat.hyper_coefficients permutation %y, %one streams = 3 : tensor<1x3xf64>, tensor<12xf64>
  %eh = arith.constant dense<[[1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0]]> : tensor<1x9xf64>
  %c = arith.constant dense<[0.3, -2.0, 7.0]> : tensor<3xf64>
  %u, %v, %single = nanochat.hyper_coefficients sinkhorn %x, %c streams = 1 : tensor<1x4xf64>, tensor<3xf64>
  %es = arith.constant dense<1.0> : tensor<1x1xf64>
  return %res, %e, %hot, %eh, %single, %es : tensor<1x16xf64>, tensor<1x16xf64>, tensor<1x9xf64>, tensor<1x9xf64>, tensor<1x1xf64>, tensor<1x1xf64>
}

// Of the token (3, 4)·√2/5 mean squares are 1: logits are (1, 2, 3)·(3 − 4)·√2/5 times alpha, and the bias.
func.func @of_tokens() -> (tensor<1x1xf64>, tensor<1x1xf64>, tensor<1x1xf64>, tensor<1x1xf64>, tensor<1x1xf64>, tensor<1x1xf64>) attributes {nanochat.tolerance = 1.0e-12 : f64} {
  %x = arith.constant dense<[[3.0, 4.0]]> : tensor<1x2xf64>
  %phi = arith.constant dense<[[1.0, -1.0], [2.0, -2.0], [3.0, -3.0]]> : tensor<3x2xf64>
  %alpha = arith.constant dense<[1.0, 0.5, 0.1]> : tensor<3xf64>
  %b = arith.constant dense<[0.5, 0.0, 0.25]> : tensor<3xf64>
  %pre, %post, %res = nanochat.hyper_coefficients none %x, %b phi %phi, %alpha streams = 1 : tensor<1x2xf64>, tensor<3xf64>, tensor<3x2xf64>, tensor<3xf64>
  %ep = arith.constant dense<0.21715728752538097> : tensor<1x1xf64>
  %eq = arith.constant dense<-0.28284271247461903> : tensor<1x1xf64>
  %er = arith.constant dense<0.16514718625761429> : tensor<1x1xf64>
  return %pre, %ep, %post, %eq, %res, %er : tensor<1x1xf64>, tensor<1x1xf64>, tensor<1x1xf64>, tensor<1x1xf64>, tensor<1x1xf64>, tensor<1x1xf64>
}

// A row whose logits are 300 below their columns: rows still sum to 1, in f32.
func.func @far_below() -> (tensor<1x2xf32>, tensor<1x2xf32>) attributes {nanochat.tolerance = 1.0e-5 : f64} {
  %x = arith.constant dense<1.0> : tensor<1x4xf32>
  %b = arith.constant dense<[0.0, 0.0, 0.0, 0.0, 300.0, 300.0, 0.0, 0.0]> : tensor<8xf32>
  %pre, %post, %res = nanochat.hyper_coefficients sinkhorn %x, %b streams = 2 : tensor<1x4xf32>, tensor<8xf32>
  %row = tensor.extract_slice %res[0, 2] [1, 2] [1, 1] : tensor<1x4xf32> to tensor<1x2xf32>
  %e = arith.constant dense<0.5> : tensor<1x2xf32>
  return %row, %e : tensor<1x2xf32>, tensor<1x2xf32>
}
