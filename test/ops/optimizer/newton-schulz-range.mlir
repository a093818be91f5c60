// RUN: nanochat-opt %s --nanochat-check-numeric
// What five steps make of all singular values, and of whole matrices.

// The singular value of each of `sigma` after newton_schulz, in a matrix of unit norm.
func.func private @after(%sigma: tensor<256xf64>) -> tensor<256xf64> {
  %after = nanochat.loop "cases" = 256 slice(%s = %sigma : tensor<256xf64>) {
    %x = tensor.extract %s[] : tensor<f64>
    %one = arith.constant 1.0 : f64
    %zero = arith.constant 0.0 : f64
    %square = arith.mulf %x, %x : f64
    %left = arith.subf %one, %square : f64
    %y = math.sqrt %left : f64
    %g = tensor.from_elements %x, %zero, %zero, %zero, %y, %zero : tensor<2x3xf64>
    %o = nanochat.newton_schulz %g {eps = 0.0 : f64} : tensor<2x3xf64>
    %corner = tensor.extract_slice %o[0, 0] [1, 1] [1, 1] : tensor<2x3xf64> to tensor<f64>
    nanochat.yield stack %corner : tensor<f64>
  }
  return %after : tensor<256xf64>
}

// low^(i/255) for i = 0 … 255: from 1 down to `low`.
func.func private @from(%low: f64) -> tensor<256xf64> {
  %empty = tensor.empty() : tensor<256xf64>
  %last = arith.constant 255.0 : f64
  %sigma = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      outs(%empty : tensor<256xf64>) {
  ^bb0(%old: f64):
    %i = linalg.index 0 : index
    %n = arith.index_cast %i : index to i64
    %x = arith.sitofp %n : i64 to f64
    %e = arith.divf %x, %last : f64
    %power = math.powf %low, %e : f64
    linalg.yield %power : f64
  } -> tensor<256xf64>
  return %sigma : tensor<256xf64>
}

// (least, largest) of what becomes of the singular values from `low` to 1.
func.func private @bounds(%low: f64) -> tensor<2xf64> {
  %sigma = func.call @from(%low) : (f64) -> tensor<256xf64>
  %after = func.call @after(%sigma) : (tensor<256xf64>) -> tensor<256xf64>
  %far = arith.constant dense<9.0> : tensor<f64>
  %none = arith.constant dense<0.0> : tensor<f64>
  %least = linalg.reduce { arith.minimumf } ins(%after : tensor<256xf64>) outs(%far : tensor<f64>) dimensions = [0]
  %most = linalg.reduce { arith.maximumf } ins(%after : tensor<256xf64>) outs(%none : tensor<f64>) dimensions = [0]
  %l = tensor.extract %least[] : tensor<f64>
  %m = tensor.extract %most[] : tensor<f64>
  %both = tensor.from_elements %l, %m : tensor<2xf64>
  return %both : tensor<2xf64>
}

// Not [0.7, 1.3]: the lower end is 0.68.
func.func @singular_values_from_3_thousandths_end_between_068_and_121()
    -> (tensor<2xf64>, tensor<2xf64>, tensor<2xf64>, tensor<2xf64>, tensor<2xf64>, tensor<2xf64>)
    attributes {nanochat.tolerance = 5.0e-4 : f64} {
  %low = arith.constant 0.003 : f64
  %middle = arith.constant 0.005 : f64
  %high = arith.constant 0.01 : f64
  %from_low = func.call @bounds(%low) : (f64) -> tensor<2xf64>
  %from_middle = func.call @bounds(%middle) : (f64) -> tensor<2xf64>
  %from_high = func.call @bounds(%high) : (f64) -> tensor<2xf64>
  %e_low = arith.constant dense<[0.6818, 1.2024]> : tensor<2xf64>
  %e_middle = arith.constant dense<[0.6818, 1.155]> : tensor<2xf64>
  %e_high = arith.constant dense<[0.6818, 1.1344]> : tensor<2xf64>
  return %from_low, %e_low, %from_middle, %e_middle, %from_high, %e_high
    : tensor<2xf64>, tensor<2xf64>, tensor<2xf64>, tensor<2xf64>, tensor<2xf64>, tensor<2xf64>
}

// 3.4445⁵ = 484.9: below that they only grow.
func.func @tiny_singular_values_grow_by_the_fifth_power_of_the_first_coefficient() -> (tensor<3xf64>, tensor<3xf64>)
    attributes {nanochat.tolerance = 1.0e-6 : f64} {
  %sigma = arith.constant dense<1.0e-6> : tensor<256xf64>
  %thousandth = arith.constant 0.001 : f64
  %three = arith.constant 0.003 : f64
  %s1 = tensor.splat %thousandth : tensor<256xf64>
  %s3 = tensor.splat %three : tensor<256xf64>
  %t0 = func.call @after(%sigma) : (tensor<256xf64>) -> tensor<256xf64>
  %t1 = func.call @after(%s1) : (tensor<256xf64>) -> tensor<256xf64>
  %t3 = func.call @after(%s3) : (tensor<256xf64>) -> tensor<256xf64>
  %first = arith.constant 0 : index
  %x0 = tensor.extract %t0[%first] : tensor<256xf64>
  %x1 = tensor.extract %t1[%first] : tensor<256xf64>
  %x3 = tensor.extract %t3[%first] : tensor<256xf64>
  %found = tensor.from_elements %x0, %x1, %x3 : tensor<3xf64>
  %expected = arith.constant dense<[4.8489e-4, 0.470544, 1.110357]> : tensor<3xf64>
  return %found, %expected : tensor<3xf64>, tensor<3xf64>
}

// I − 2uuᵀ for unit u = (.1, .7, .5, .5), and for v = (1, 2, 2, 0, 0, 4)/5.
func.func private @left() -> tensor<4x4xf64> {
  %h = arith.constant dense<[[0.98, -0.14, -0.1, -0.1], [-0.14, 0.02, -0.7, -0.7],
                             [-0.1, -0.7, 0.5, -0.5], [-0.1, -0.7, -0.5, 0.5]]> : tensor<4x4xf64>
  return %h : tensor<4x4xf64>
}
func.func private @turned(%d: tensor<4x6xf64>) -> tensor<4x6xf64> {
  %u = func.call @left() : () -> tensor<4x4xf64>
  %v = arith.constant dense<[[0.92, -0.16, -0.16, 0.0, 0.0, -0.32], [-0.16, 0.68, -0.32, 0.0, 0.0, -0.64],
                             [-0.16, -0.32, 0.68, 0.0, 0.0, -0.64], [0.0, 0.0, 0.0, 1.0, 0.0, 0.0],
                             [0.0, 0.0, 0.0, 0.0, 1.0, 0.0], [-0.32, -0.64, -0.64, 0.0, 0.0, -0.28]]> : tensor<6x6xf64>
  %ud = nanochat.matmul %u, %d : tensor<4x4xf64>, tensor<4x6xf64>
  %udv = nanochat.matmul %ud, %v transposed : tensor<4x6xf64>, tensor<6x6xf64>
  return %udv : tensor<4x6xf64>
}

// U·diag(σ)·Vᵀ becomes U·diag(φ⁵(σ))·Vᵀ to the roundoff of f64.
func.func @whole_matrices_keep_their_singular_vectors() -> (tensor<4x6xf64>, tensor<4x6xf64>)
    attributes {nanochat.tolerance = 1.0e-13 : f64} {
  %d = arith.constant dense<[[0.8, 0.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.5, 0.0, 0.0, 0.0, 0.0],
                             [0.0, 0.0, 0.3, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.1414213562373095, 0.0, 0.0]]> : tensor<4x6xf64>
  %phi = arith.constant dense<[[1.1192039299160434, 0.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.7654385304543412, 0.0, 0.0, 0.0, 0.0],
                               [0.0, 0.0, 1.0795922928997006, 0.0, 0.0, 0.0],
                               [0.0, 0.0, 0.0, 0.8088120133109347, 0.0, 0.0]]> : tensor<4x6xf64>
  %g = func.call @turned(%d) : (tensor<4x6xf64>) -> tensor<4x6xf64>
  %o = nanochat.newton_schulz %g {eps = 0.0 : f64} : tensor<4x6xf64>
  %expected = func.call @turned(%phi) : (tensor<4x6xf64>) -> tensor<4x6xf64>
  return %o, %expected : tensor<4x6xf64>, tensor<4x6xf64>
}

func.func @a_rotated_gradient_gives_the_rotated_result() -> (tensor<4x5xf64>, tensor<4x5xf64>)
    attributes {nanochat.tolerance = 1.0e-12 : f64} {
  %q = func.call @left() : () -> tensor<4x4xf64>
  %g = arith.constant dense<[[1.0, -2.0, 0.5, 3.0, 0.1], [0.25, 3.0, -1.5, 0.7, 2.0],
                             [-0.4, 0.9, 1.1, -2.2, 0.3], [1.7, 0.2, -0.6, 0.8, -1.0]]> : tensor<4x5xf64>
  %qg = nanochat.matmul %q, %g : tensor<4x4xf64>, tensor<4x5xf64>
  %found = nanochat.newton_schulz %qg : tensor<4x5xf64>
  %o = nanochat.newton_schulz %g : tensor<4x5xf64>
  %expected = nanochat.matmul %q, %o : tensor<4x4xf64>, tensor<4x5xf64>
  return %found, %expected : tensor<4x5xf64>, tensor<4x5xf64>
}

// Gaussian gradients give updates of root mean square 0.174 to 0.191, near the 0.2 that AdamW's have.
// Pseudorandom numbers are the fractions of large multiples of sines, made Gaussian by Box and Muller's map.
func.func private @uniform(%n: f64, %salt: f64) -> f64 {
  %a = arith.constant 12.9898 : f64
  %b = arith.constant 43758.5453 : f64
  %an = arith.mulf %a, %n : f64
  %angle = arith.addf %an, %salt : f64
  %sin = math.sin %angle : f64
  %large = arith.mulf %b, %sin : f64
  %floor = math.floor %large : f64
  %fraction = arith.subf %large, %floor : f64
  return %fraction : f64
}
func.func @updates_of_random_gradients_have_the_size_of_adamws() -> (tensor<f64>, tensor<f64>)
    attributes {nanochat.tolerance = 0.0 : f64} {
  %empty = tensor.empty() : tensor<96x64xf64>
  %g = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      outs(%empty : tensor<96x64xf64>) {
  ^bb0(%old: f64):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %width = arith.constant 64 : index
    %start = arith.muli %i, %width : index
    %n = arith.addi %start, %j : index
    %in = arith.index_cast %n : index to i64
    %x = arith.sitofp %in : i64 to f64
    %one = arith.constant 1.0 : f64
    %two = arith.constant 2.0 : f64
    %u = func.call @uniform(%x, %one) : (f64, f64) -> f64
    %v = func.call @uniform(%x, %two) : (f64, f64) -> f64
    %log = math.log %u : f64
    %minus = arith.constant -2.0 : f64
    %square = arith.mulf %minus, %log : f64
    %radius = math.sqrt %square : f64
    %turn = arith.constant 6.283185307179586 : f64
    %angle = arith.mulf %turn, %v : f64
    %cos = math.cos %angle : f64
    %y = arith.mulf %radius, %cos : f64
    linalg.yield %y : f64
  } -> tensor<96x64xf64>
  %w = arith.constant dense<0.0> : tensor<96x64xf64>
  %lr = arith.constant dense<-1.0> : tensor<f64> // so that the update is the new parameter
  %wd = arith.constant dense<0.0> : tensor<f64>
  %new:2 = nanochat.muon %w, %g lr %lr weight_decay %wd states %w : tensor<96x64xf64>
    : tensor<96x64xf64>, tensor<96x64xf64>, tensor<f64>, tensor<f64>
  %norm = nanochat.grad_norm %new#0 : tensor<96x64xf64>
  %count = arith.constant dense<78.38367176906169> : tensor<f64> // √(96·64)
  %rms = arith.divf %norm, %count : tensor<f64>
  %low = arith.constant dense<0.174> : tensor<f64>
  %high = arith.constant dense<0.191> : tensor<f64>
  %above = arith.maximumf %rms, %low : tensor<f64>
  %bounded = arith.minimumf %above, %high : tensor<f64>
  return %rms, %bounded : tensor<f64>, tensor<f64>
}
