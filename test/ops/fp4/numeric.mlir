// RUN: nanochat-opt %s --nanochat-check-numeric
// against-oracle.mlir has larger ones.

// A block from -1.55 to 1.55 by tenths: its scale is 2^-2, rounded down, or 2^-1.
func.func @mxfp4_ramp() -> (tensor<1x32xi8>, tensor<1x32xi8>, tensor<1x1xi8>, tensor<1x1xi8>, tensor<1x32xi8>, tensor<1x32xi8>, tensor<1x1xi8>, tensor<1x1xi8>)
    attributes {nanochat.tolerance = 0.0 : f64} {
  %x = arith.constant dense<[[-1.55, -1.45, -1.35, -1.25, -1.15, -1.05, -0.95, -0.85, -0.75, -0.65, -0.55, -0.45, -0.35, -0.25, -0.15, -0.05,
                              0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95, 1.05, 1.15, 1.25, 1.35, 1.45, 1.55]]> : tensor<1x32xf32>
  %q, %s = nanochat.quantize_fp4 mxfp4 %x axis = 1 : tensor<1x32xf32>
  %eq = arith.constant dense<[[-12, -12, -12, -8, -8, -8, -8, -6, -6, -6, -4, -4, -3, -2, -1, 0, 0, 1, 2, 3, 4, 4, 6, 6, 6, 8, 8, 8, 8, 12, 12, 12]]> : tensor<1x32xi8>
  %es = arith.constant dense<125> : tensor<1x1xi8>
  %u, %t = nanochat.quantize_fp4 mxfp4 %x axis = 1 scale up : tensor<1x32xf32>
  %eu = arith.constant dense<[[-6, -6, -6, -4, -4, -4, -4, -3, -3, -3, -2, -2, -1, -1, -1, 0, 0, 1, 1, 1, 2, 2, 3, 3, 3, 4, 4, 4, 4, 6, 6, 6]]> : tensor<1x32xi8>
  %et = arith.constant dense<126> : tensor<1x1xi8>
  return %q, %eq, %s, %es, %u, %eu, %t, %et : tensor<1x32xi8>, tensor<1x32xi8>, tensor<1x1xi8>, tensor<1x1xi8>, tensor<1x32xi8>, tensor<1x32xi8>, tensor<1x1xi8>, tensor<1x1xi8>
}

// The tensor's largest number is 3: a scale of 2688/3, and of 112 for the block.
func.func @nvfp4_ramp() -> (tensor<f32>, tensor<f32>, tensor<1x2xf32>, tensor<1x2xf32>) attributes {nanochat.tolerance = 0.0 : f64} {
  %x = arith.constant dense<[[-0.75, -0.65, -0.55, -0.45, -0.35, -0.25, -0.15, -0.05, 0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75,
                              3.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]]> : tensor<1x32xf32>
  %t = nanochat.tensor_scale %x : tensor<1x32xf32>
  %et = arith.constant dense<896.0> : tensor<f32>
  %q, %s = nanochat.quantize_fp4 nvfp4 %x axis = 1 tensor %t : tensor<f32> : tensor<1x32xf32>
  %w = arith.extf %s : tensor<1x2xf8E4M3FN> to tensor<1x2xf32>
  %es = arith.constant dense<[[112.0, 448.0]]> : tensor<1x2xf32>
  return %t, %et, %w, %es : tensor<f32>, tensor<f32>, tensor<1x2xf32>, tensor<1x2xf32>
}

// Rows 0 and 1 have the signs -1 and 1.
func.func @transform_of_two() -> (tensor<2x1xf32>, tensor<2x1xf32>) attributes {nanochat.tolerance = 0.0 : f64} {
  %x = arith.constant dense<[[3.0], [5.0]]> : tensor<2x1xf32>
  %y = nanochat.hadamard %x run = 2 : tensor<2x1xf32>
  %e = arith.constant dense<[[2.0], [-8.0]]> : tensor<2x1xf32>
  return %y, %e : tensor<2x1xf32>, tensor<2x1xf32>
}

// 3 · ((1·1 + 2·1)·2^1 + (3·1 − 4·1)·2^0).
func.func @products_of_blocks() -> (tensor<1x1xf32>, tensor<1x1xf32>) attributes {nanochat.tolerance = 0.0 : f64} {
  %a = arith.constant dense<[[1, 2, 3, 4]]> : tensor<1x4xi8>
  %s = arith.constant dense<[[-128, 127]]> : tensor<1x2xi8>
  %b = arith.constant dense<[[1], [1], [1], [-1]]> : tensor<4x1xi8>
  %f = arith.constant dense<3.0> : tensor<f32>
  %y = nanochat.block_matmul %a scaled %s : tensor<1x2xi8>, %b, %f block = 2 : tensor<1x4xi8>, tensor<4x1xi8>, tensor<f32>
  %e = arith.constant dense<15.0> : tensor<1x1xf32>
  return %y, %e : tensor<1x1xf32>, tensor<1x1xf32>
}

func.func @address() -> (tensor<5xi32>, tensor<5xi32>) attributes {nanochat.tolerance = 0.0 : f64} {
  %seed = arith.constant dense<[7, -3]> : tensor<2xi32>
  %i = arith.constant dense<5> : tensor<i32>
  %t = arith.constant dense<2> : tensor<i32>
  %a = nanochat.random_address %seed, %i, %t site "wq.dx"
  %e = arith.constant dense<[7, -3, 459114879, 5, 2]> : tensor<5xi32>
  return %a, %e : tensor<5xi32>, tensor<5xi32>
}

// 1, 2, 3, 4, 6, 8, 12 are numbers 1 to 7, and 8 more below zero; the first of two is in the low bits.
func.func @pairs() -> (tensor<1x4xi8>, tensor<1x4xi8>, tensor<2x1xi8>, tensor<2x1xi8>) attributes {nanochat.tolerance = 0.0 : f64} {
  %c = arith.constant dense<[[1, -2, 3, 0, 12, -12, 6, 8]]> : tensor<1x8xi8>
  %p = nanochat.pack_fp4 %c axis = 1 : tensor<1x8xi8>
  %ep = arith.constant dense<[[0xA1, 0x03, 0xF7, 0x65]]> : tensor<1x4xi8>
  %d = arith.constant dense<[[4, -1], [-4, 6]]> : tensor<2x2xi8>
  %q = nanochat.pack_fp4 %d axis = 0 : tensor<2x2xi8>
  %eq = arith.constant dense<[[0xC4], [0x59]]> : tensor<2x1xi8>
  return %p, %ep, %q, %eq : tensor<1x4xi8>, tensor<1x4xi8>, tensor<2x1xi8>, tensor<2x1xi8>
}

// 32 times 1 · 1.5, of which the first factor is scaled by 2.
func.func @products_of_pairs() -> (tensor<1x1xf32>, tensor<1x1xf32>) attributes {nanochat.tolerance = 0.0 : f64} {
  %a = arith.constant dense<0x22> : tensor<1x16xi8>
  %s = arith.constant dense<-128> : tensor<1x1xi8>
  %b = arith.constant dense<0x33> : tensor<1x16xi8>
  %y = nanochat.fp4_matmul mxfp4 %a scaled %s : tensor<1x1xi8>, %b : tensor<1x16xi8>, tensor<1x16xi8>
  %e = arith.constant dense<96.0> : tensor<1x1xf32>
  return %y, %e : tensor<1x1xf32>, tensor<1x1xf32>
}
