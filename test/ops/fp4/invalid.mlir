// RUN: nanochat-opt %s --split-input-file --verify-diagnostics

func.func @run(%x: tensor<64x4xf32>) { // hadamard-c1
  // expected-error @+1 {{transforms runs of 128 of 64 rows; a run is a power of two up to 128 that divides them}}
  %y = nanochat.hadamard %x run = 128 : tensor<64x4xf32>
  return
}

// -----

func.func @long(%x: tensor<256x4xf32>) { // hadamard-c1
  // expected-error @+1 {{transforms runs of 256 of 256 rows}}
  %y = nanochat.hadamard %x run = 256 : tensor<256x4xf32>
  return
}

// -----

func.func @power(%x: tensor<60x4xf32>) { // hadamard-c1
  // expected-error @+1 {{transforms runs of 12 of 60 rows}}
  %y = nanochat.hadamard %x run = 12 : tensor<60x4xf32>
  return
}

// -----

func.func @blocks(%x: tensor<64x48xf32>) { // quantize_fp4-c1
  // expected-error @+1 {{has 48 numbers along axis 1, which blocks of 32 do not divide}}
  %q, %s = nanochat.quantize_fp4 mxfp4 %x axis = 1 : tensor<64x48xf32>
  return
}

// -----

func.func @tensor(%x: tensor<64x48xf32>) { // quantize_fp4-c2
  // expected-error @+1 {{needs the scale of its tensor}}
  %q, %s = nanochat.quantize_fp4 nvfp4 %x axis = 1 : tensor<64x48xf32>
  return
}

// -----

func.func @no_tensor(%x: tensor<64x64xf32>, %t: tensor<f32>) { // quantize_fp4-c2
  // expected-error @+1 {{has the scale of a tensor, which is nvfp4's alone}}
  %q, %s = nanochat.quantize_fp4 mxfp4 %x axis = 1 tensor %t : tensor<f32> : tensor<64x64xf32>
  return
}

// -----

func.func @up(%x: tensor<64x48xf32>, %t: tensor<f32>) { // quantize_fp4-c3
  // expected-error @+1 {{rounds scales up, which are powers of two in mxfp4 alone}}
  %q, %s = nanochat.quantize_fp4 nvfp4 %x axis = 1 scale up tensor %t : tensor<f32> : tensor<64x48xf32>
  return
}

// -----

func.func @sums(%a: tensor<4x64xi8>, %s: tensor<4x2xi8>, %b: tensor<32x5xi8>, %f: tensor<f32>) { // block_matmul-c1
  // expected-error @+1 {{contracts 64 codes of 'tensor<4x64xi8>' with 32 of 'tensor<32x5xi8>'}}
  %y = nanochat.block_matmul %a scaled %s : tensor<4x2xi8>, %b, %f block = 32 : tensor<4x64xi8>, tensor<32x5xi8>, tensor<f32>
  return
}

// -----

func.func @whole_blocks(%a: tensor<4x64xi8>, %s: tensor<4x2xi8>, %b: tensor<64x5xi8>, %f: tensor<f32>) { // block_matmul-c2
  // expected-error @+1 {{sums over 64 codes, which blocks of 48 do not divide}}
  %y = nanochat.block_matmul %a scaled %s : tensor<4x2xi8>, %b, %f block = 48 : tensor<4x64xi8>, tensor<64x5xi8>, tensor<f32>
  return
}

// -----

func.func @no_scales(%a: tensor<4x64xi8>, %b: tensor<64x5xi8>, %f: tensor<f32>) { // block_matmul-c3
  // expected-error @+1 {{has no scales}}
  %y = nanochat.block_matmul %a, %b, %f block = 32 : tensor<4x64xi8>, tensor<64x5xi8>, tensor<f32>
  return
}

// -----

func.func @scales(%a: tensor<64x4xi8>, %s: tensor<4x2xi8>, %b: tensor<64x5xi8>, %f: tensor<f32>) { // block_matmul-c4
  // expected-error @+1 {{has scales 'tensor<4x2xi8>' of codes 'tensor<64x4xi8>'; there are 2 x 4 blocks of 32}}
  %y = nanochat.block_matmul %a trans_a scaled %s : tensor<4x2xi8>, %b, %f block = 32 : tensor<64x4xi8>, tensor<64x5xi8>, tensor<f32>
  return
}

// -----

func.func @outputs(%x: tensor<64x4xf32>, %w: tensor<48x4xf32>) { // ternary_linear-c3
  // expected-error @+2 {{has 48 outputs, which blocks of 32 of its gradients do not divide}}
  // expected-note @+1 {{the nearest that fit are 32 and 64; models take sizes by --set}}
  %y = nanochat.ternary_linear %x, %w backward <dx = mxfp4, dw = mxfp4> : tensor<64x4xf32>, tensor<48x4xf32>
  return
}

// -----

func.func @tokens(%x: tensor<33x4xf32>, %w: tensor<48x4xf32>) { // ternary_linear-c3
  // expected-error @+2 {{has 33 tokens, which blocks of 64 of its gradients do not divide}}
  // expected-note @+1 {{the nearest that fit are 64; models take}}
  %y = nanochat.ternary_linear %x, %w backward <dx = f32, dw = mxfp4> : tensor<33x4xf32>, tensor<48x4xf32>
  return
}

// -----

func.func @transform(%x: tensor<64x4xf32>, %w: tensor<32x4xf32>) {
  // expected-error @+1 {{hadamard = 48 is not known: it is 0 (none), 16, 32, 64 or 128}}
  %y = nanochat.ternary_linear %x, %w backward <dx = mxfp4, dw = mxfp4, hadamard = 48> : tensor<64x4xf32>, tensor<32x4xf32>
  return
}

// -----

func.func @site(%q: tensor<64x4xi8>, %s: tensor<64xf32>, %t: tensor<32x4xi8>, %g: tensor<f32>) { // ternary_matmul-c5
  // expected-error @+1 {{rounds gradients by chance and has no site that random numbers are of}}
  %y = nanochat.ternary_matmul %q, %s, %t, %g backward <dx = f32, dw = nvfp4> : tensor<64x4xi8>, tensor<64xf32>, tensor<32x4xi8>, tensor<f32>
  return
}

// -----

func.func @no_linears(%x: tensor<64x32xf32>) -> tensor<64x32xf32> { // fp4_region-c3
  // expected-error @+1 {{has no linears in it, which it could be about}}
  %y = nanochat.fp4_region format = mxfp4 {
    nanochat.yield %x : tensor<64x32xf32>
  }
  return %y : tensor<64x32xf32>
}

// -----

func.func @integers(%x: tensor<64x32xf32>, %w: tensor<32x32xf32>) -> tensor<64x32xf32> { // fp4_region-c2
  // expected-note @+1 {{leave y out of this region's gemms}}
  %y = nanochat.fp4_region format = mxfp4 gemms = [dx, y] {
    // expected-error @+1 {{is a product of integers, which no region makes one of four-bit floats}}
    %a = nanochat.ternary_linear %x, %w : tensor<64x32xf32>, tensor<32x32xf32>
    %b = nanochat.linear %a, %w : tensor<64x32xf32>, tensor<32x32xf32>
    nanochat.yield %b : tensor<64x32xf32>
  }
  return %y : tensor<64x32xf32>
}

// -----

func.func @product(%x: tensor<64x32xf32>, %w: tensor<32x32xf32>) -> tensor<64x32xf32> {
  // expected-error @+1 {{'dz' is no product of a linear; these are dx and dw, of its gradient, and y}}
  %y = nanochat.fp4_region format = mxfp4 gemms = [dx, dz] {
    nanochat.yield %x : tensor<64x32xf32>
  }
  return %y : tensor<64x32xf32>
}

// -----

func.func @format(%x: tensor<64x32xf32>) -> tensor<64x32xf32> {
  // expected-error @+1 {{mxfp4, nvfp4}}
  %y = nanochat.fp4_region format = fp5 {
    nanochat.yield %x : tensor<64x32xf32>
  }
  return %y : tensor<64x32xf32>
}

// -----

func.func @yields(%x: tensor<64x32xf32>, %w: tensor<32x32xf32>) -> tensor<64x32xf32> { // fp4_region-c1
  // expected-error @+1 {{yields other values than its results}}
  %y = "nanochat.fp4_region"() <{format = 3 : i32}> ({
    %a = nanochat.ternary_linear %x, %w : tensor<64x32xf32>, tensor<32x32xf32>
    nanochat.yield %a : tensor<64x32xf32>
  }) : () -> tensor<64x16xf32>
  return %x : tensor<64x32xf32>
}

// -----

func.func @runs(%x: tensor<64x64xf32>) { // quantize_fp4-c4
  // expected-error @+1 {{transforms rows, which only mxfp4 does as it is quantised, along axis 0}}
  %q, %s = nanochat.quantize_fp4 mxfp4 %x axis = 1 run = 32 : tensor<64x64xf32>
  return
}

// -----

func.func @whole_runs(%x: tensor<96x64xf32>) { // quantize_fp4-c5
  // expected-error @+1 {{transforms runs of 64 of 96 rows}}
  %q, %s = nanochat.quantize_fp4 mxfp4 %x axis = 0 run = 64 : tensor<96x64xf32>
  return
}

// -----

func.func @region_transform(%x: tensor<64x32xf32>, %w: tensor<32x32xf32>) -> tensor<64x32xf32> { // fp4_region-c4
  // expected-error @+1 {{hadamard = 48 is not known: it is 0 (none), 16, 32, 64 or 128}}
  %y = nanochat.fp4_region format = mxfp4 hadamard = 48 {
    %a = nanochat.ternary_linear %x, %w : tensor<64x32xf32>, tensor<32x32xf32>
    nanochat.yield %a : tensor<64x32xf32>
  }
  return %y : tensor<64x32xf32>
}

// -----

func.func @region_scale(%x: tensor<64x32xf32>, %w: tensor<32x32xf32>) -> tensor<64x32xf32> { // fp4_region-c4
  // expected-error @+1 {{scale = up rounds powers of two, which nvfp4 has none of}}
  %y = nanochat.fp4_region format = nvfp4 gemms = [dx] scale = up {
    %a = nanochat.ternary_linear %x, %w : tensor<64x32xf32>, tensor<32x32xf32>
    nanochat.yield %a : tensor<64x32xf32>
  }
  return %y : tensor<64x32xf32>
}

// -----

func.func @outliers(%x: tensor<64x32xf32>, %w: tensor<32x32xf32>) -> tensor<64x32xf32> { // fp4_region-c5
  // expected-error @+1 {{has dge, clip or occ, which are of products y, and y is not among its gemms}}
  %y = nanochat.fp4_region format = mxfp4 occ = 0.9 {
    %a = nanochat.linear %x, %w : tensor<64x32xf32>, tensor<32x32xf32>
    nanochat.yield %a : tensor<64x32xf32>
  }
  return %y : tensor<64x32xf32>
}

// -----

func.func @pairs(%x: tensor<64x33xi8>) { // pack_fp4-c1
  // expected-error @+1 {{packs pairs of 33 codes along axis 1; expected an even number}}
  %y = nanochat.pack_fp4 %x axis = 1 : tensor<64x33xi8>
  return
}

// -----

func.func @contracts(%a: tensor<4x32xi8>, %s: tensor<4x2xi8>, %b: tensor<5x16xi8>) { // fp4_matmul-c1
  // expected-error @+1 {{contracts 32 pairs of 'tensor<4x32xi8>' with 16 of 'tensor<5x16xi8>'}}
  %y = nanochat.fp4_matmul mxfp4 %a scaled %s : tensor<4x2xi8>, %b : tensor<4x32xi8>, tensor<5x16xi8>
  return
}

// -----

func.func @rows(%a: tensor<4x24xi8>, %s: tensor<4x3xf8E4M3FN>, %b: tensor<5x24xi8>) { // fp4_matmul-c2
  // expected-error @+1 {{has rows of 24 bytes; expected a multiple of 16}}
  %y = nanochat.fp4_matmul nvfp4 %a scaled %s : tensor<4x3xf8E4M3FN>, %b : tensor<4x24xi8>, tensor<5x24xi8>
  return
}

// -----

func.func @scales_of_pairs(%a: tensor<4x32xi8>, %s: tensor<4x2xi8>, %b: tensor<5x32xi8>) { // fp4_matmul-c3
  // expected-error @+1 {{has scales 'tensor<4x2xi8>' of pairs 'tensor<4x32xi8>'; expected 'tensor<4x4xf8E4M3FN>'}}
  %y = nanochat.fp4_matmul nvfp4 %a scaled %s : tensor<4x2xi8>, %b : tensor<4x32xi8>, tensor<5x32xi8>
  return
}

// -----

func.func @pairs_without_scales(%a: tensor<4x32xi8>, %b: tensor<5x32xi8>) { // fp4_matmul-c4
  // expected-error @+1 {{has no scales}}
  %y = nanochat.fp4_matmul mxfp4 %a, %b : tensor<4x32xi8>, tensor<5x32xi8>
  return
}

// -----

func.func @panels(%x: tensor<64x24xf32>) { // quantize_fp4-c6
  // expected-error @+1 {{makes panels, which are of rows, of 16 columns each, and not packed}}
  %q, %s = nanochat.quantize_fp4 mxfp4 %x axis = 0 panels : tensor<64x24xf32>
  return
}

// -----

func.func @axis(%x: tensor<64x32xi8>) {
  // expected-error @+1 {{axis = 5 is none of a matrix: it is 0 or 1}}
  %y = nanochat.pack_fp4 %x axis = 5 : tensor<64x32xi8>
  return
}

// -----

func.func @other_axis(%x: tensor<64x32xf32>) {
  // expected-error @+1 {{axis = 70000 is none of a matrix: it is 0 or 1}}
  %q, %s = nanochat.quantize_fp4 mxfp4 %x axis = 70000 packed : tensor<64x32xf32>
  return
}
