// RUN: nanochat-opt %s --nanochat-check-numeric
// What the quantisers do to many values, and the integer product against wider integers.

// A Gaussian matrix without a random number: Box and Muller's map of a regular grid.
func.func private @gaussian() -> tensor<1024x256xf64> {
  %empty = tensor.empty() : tensor<1024x256xf64>
  %half = arith.constant 0.5 : f64
  %rows = arith.constant 1024.0 : f64
  %turn = arith.constant 0.02454369260617026 : f64 // 2π/256
  %minus = arith.constant -2.0 : f64
  %w = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      outs(%empty : tensor<1024x256xf64>) {
  ^bb0(%old: f64):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %in = arith.index_cast %i : index to i64
    %jn = arith.index_cast %j : index to i64
    %ix = arith.sitofp %in : i64 to f64
    %jx = arith.sitofp %jn : i64 to f64
    %im = arith.addf %ix, %half : f64
    %jm = arith.addf %jx, %half : f64
    %u = arith.divf %im, %rows : f64
    %angle = arith.mulf %jm, %turn : f64
    %log = math.log %u : f64
    %square = arith.mulf %minus, %log : f64
    %radius = math.sqrt %square : f64
    %cos = math.cos %angle : f64
    %x = arith.mulf %radius, %cos : f64
    linalg.yield %x : f64
  } -> tensor<1024x256xf64>
  return %w : tensor<1024x256xf64>
}

// Σ x² over a matrix.
func.func private @sum_of_squares(%x: tensor<1024x256xf64>) -> f64 {
  %norm = nanochat.grad_norm %x : tensor<1024x256xf64>
  %n = tensor.extract %norm[] : tensor<f64>
  %square = arith.mulf %n, %n : f64
  return %square : f64
}

// Of a Gaussian, 31.0% becomes 0; what is lost is 0.5135 of the whole in L2; and quantising what was
// quantised scales it by the share of the others: it is not idempotent.
func.func @gaussian_weights_lose_what_theory_says() -> (tensor<4xf64>, tensor<4xf64>)
    attributes {nanochat.tolerance = 1.0e-3 : f64} {
  %w = func.call @gaussian() : () -> tensor<1024x256xf64>
  %t, %gamma = nanochat.ternarize %w : tensor<1024x256xf64>
  %wq = nanochat.dequantize_weight %t, %gamma : tensor<1024x256xi8>, tensor<f64>
  %loss = arith.subf %w, %wq : tensor<1024x256xf64>
  %t2, %gamma2 = nanochat.ternarize %wq : tensor<1024x256xf64>
  %all = func.call @sum_of_squares(%w) : (tensor<1024x256xf64>) -> f64
  %lost = func.call @sum_of_squares(%loss) : (tensor<1024x256xf64>) -> f64
  %kept = func.call @sum_of_squares(%wq) : (tensor<1024x256xf64>) -> f64
  %g = tensor.extract %gamma[] : tensor<f64>
  %g2 = tensor.extract %gamma2[] : tensor<f64>
  %ratio = arith.divf %lost, %all : f64
  %error = math.sqrt %ratio : f64
  %count = arith.constant 262144.0 : f64
  %square = arith.mulf %g, %g : f64
  %most = arith.mulf %square, %count : f64
  %density = arith.divf %kept, %most : f64
  %shrunk = arith.divf %g2, %g : f64
  %found = tensor.from_elements %g, %density, %error, %shrunk : tensor<4xf64>
  %expected = arith.constant dense<[0.797885, 0.69, 0.5135, 0.69]> : tensor<4xf64>
  return %found, %expected : tensor<4xf64>, tensor<4xf64>
}

// Codes are −1, 0 and 1 in shares .345, .31, .345: 1.583 bits each.
func.func @gaussian_codes_carry_1_point_583_bits() -> (tensor<3xf64>, tensor<3xf64>, tensor<f64>, tensor<f64>)
    attributes {nanochat.tolerance = 1.0e-3 : f64} {
  %w = func.call @gaussian() : () -> tensor<1024x256xf64>
  %t, %gamma = nanochat.ternarize %w : tensor<1024x256xf64>
  %codes = arith.constant dense<[-1, 0, 1]> : tensor<3xi8>
  %none = arith.constant dense<0.0> : tensor<3xf64>
  %start = arith.constant dense<0.0> : tensor<f64>
  %share = arith.constant 3.814697265625e-6 : f64 // 2⁻¹⁸
  %zero = arith.constant 0.0 : f64
  %shares = linalg.generic {indexing_maps = [affine_map<(c, i, j) -> (c)>, affine_map<(c, i, j) -> (i, j)>,
                                             affine_map<(c, i, j) -> (c)>],
                            iterator_types = ["parallel", "reduction", "reduction"]}
      ins(%codes, %t : tensor<3xi8>, tensor<1024x256xi8>) outs(%none : tensor<3xf64>) {
  ^bb0(%code: i8, %x: i8, %sum: f64):
    %same = arith.cmpi eq, %code, %x : i8
    %one = arith.select %same, %share, %zero : f64
    %next = arith.addf %sum, %one : f64
    linalg.yield %next : f64
  } -> tensor<3xf64>
  %bits = linalg.generic {indexing_maps = [affine_map<(c) -> (c)>, affine_map<(c) -> ()>], iterator_types = ["reduction"]}
      ins(%shares : tensor<3xf64>) outs(%start : tensor<f64>) {
  ^bb0(%p: f64, %sum: f64):
    %log = math.log2 %p : f64
    %part = arith.mulf %p, %log : f64
    %next = arith.subf %sum, %part : f64
    linalg.yield %next : f64
  } -> tensor<f64>
  %expected = arith.constant dense<[0.345, 0.31, 0.345]> : tensor<3xf64>
  %expected_bits = arith.constant dense<1.583> : tensor<f64>
  return %shares, %expected, %bits, %expected_bits : tensor<3xf64>, tensor<3xf64>, tensor<f64>, tensor<f64>
}

// |x − q·s| ≤ s/2 = max|x|/254 in every row: the largest excess is none.
func.func @activations_are_off_by_at_most_a_254th_of_the_largest() -> (tensor<f64>, tensor<f64>)
    attributes {nanochat.tolerance = 1.0e-12 : f64} {
  %x = func.call @gaussian() : () -> tensor<1024x256xf64>
  %q, %s = nanochat.quantize_rows %x : tensor<1024x256xf64>
  %xq = nanochat.dequantize_rows %q, %s : tensor<1024x256xi8>, tensor<1024xf64>
  %none = arith.constant dense<0.0> : tensor<f64>
  %steps = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>,
                                            affine_map<(i, j) -> (i)>, affine_map<(i, j) -> ()>],
                           iterator_types = ["reduction", "reduction"]}
      ins(%x, %xq, %s : tensor<1024x256xf64>, tensor<1024x256xf64>, tensor<1024xf64>) outs(%none : tensor<f64>) {
  ^bb0(%a: f64, %b: f64, %scale: f64, %most: f64):
    %difference = arith.subf %a, %b : f64
    %size = math.absf %difference : f64
    %steps = arith.divf %size, %scale : f64
    %next = arith.maximumf %most, %steps : f64
    linalg.yield %next : f64
  } -> tensor<f64>
  %half = arith.constant dense<0.5> : tensor<f64>
  %bounded = arith.maximumf %steps, %half : tensor<f64>
  return %bounded, %half : tensor<f64>, tensor<f64>
}

// All bytes at their extremes over 100 000 inputs: 12.7 million fits 32 bits, and floats hold it exactly.
func.func @long_sums_do_not_overflow() -> (tensor<1x1xf32>, tensor<1x1xf32>) attributes {nanochat.tolerance = 0.0 : f64} {
  %q = arith.constant dense<127> : tensor<1x100000xi8>
  %t = arith.constant dense<-1> : tensor<1x100000xi8>
  %s = arith.constant dense<1.0> : tensor<1xf32>
  %gamma = arith.constant dense<1.0> : tensor<f32>
  %y = nanochat.ternary_matmul %q, %s, %t, %gamma : tensor<1x100000xi8>, tensor<1xf32>, tensor<1x100000xi8>, tensor<f32>
  %e = arith.constant dense<-1.27e7> : tensor<1x1xf32>
  return %y, %e : tensor<1x1xf32>, tensor<1x1xf32>
}

// The same product in 64-bit integers.
func.func @integer_product_is_exact() -> (tensor<7x5xf64>, tensor<7x5xf64>) attributes {nanochat.tolerance = 0.0 : f64} {
  %x = func.call @gaussian() : () -> tensor<1024x256xf64>
  %xs = tensor.extract_slice %x[3, 0] [7, 256] [1, 1] : tensor<1024x256xf64> to tensor<7x256xf64>
  %ws = tensor.extract_slice %x[500, 0] [5, 256] [1, 1] : tensor<1024x256xf64> to tensor<5x256xf64>
  %q, %unused = nanochat.quantize_rows %xs : tensor<7x256xf64>
  %t, %gamma = nanochat.ternarize %ws : tensor<5x256xf64>
  %s = arith.constant dense<1.0> : tensor<7xf64>
  %one = arith.constant dense<1.0> : tensor<f64>
  %y = nanochat.ternary_matmul %q, %s, %t, %one : tensor<7x256xi8>, tensor<7xf64>, tensor<5x256xi8>, tensor<f64>
  %none = arith.constant dense<0> : tensor<7x5xi64>
  %wide = linalg.generic {indexing_maps = [affine_map<(n, o, i) -> (n, i)>, affine_map<(n, o, i) -> (o, i)>,
                                           affine_map<(n, o, i) -> (n, o)>],
                          iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%q, %t : tensor<7x256xi8>, tensor<5x256xi8>) outs(%none : tensor<7x5xi64>) {
  ^bb0(%a: i8, %b: i8, %sum: i64):
    %aw = arith.extsi %a : i8 to i64
    %bw = arith.extsi %b : i8 to i64
    %product = arith.muli %aw, %bw : i64
    %next = arith.addi %sum, %product : i64
    linalg.yield %next : i64
  } -> tensor<7x5xi64>
  %e = arith.sitofp %wide : tensor<7x5xi64> to tensor<7x5xf64>
  return %y, %e : tensor<7x5xf64>, tensor<7x5xf64>
}
