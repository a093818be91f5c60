// RUN: nanochat-opt %s --split-input-file --verify-diagnostics

func.func @too_few_blocks(%x: tensor<10xf32>) {
  // expected-error @+1 {{relates 'tensor<10xf32>' and 'tensor<2x4xf32>', but 'tensor<10xf32>' has 3 blocks of 4}}
  %y = nanochat.block %x : tensor<10xf32> to tensor<2x4xf32>
  return
}

// -----

func.func @other_rows(%y: tensor<3x2xf32>) {
  // expected-error @+1 {{relates 'tensor<2x3xf32>' and 'tensor<3x2xf32>', but 'tensor<2x3xf32>' has 4 blocks of 2}}
  %x = nanochat.unblock %y : tensor<3x2xf32> to tensor<2x3xf32>
  return
}

// -----

func.func @other_scales(%q: tensor<3x4xi8>, %s: tensor<4xf32>) {
  // expected-error @+1 {{has scales 'tensor<4xf32>', expected one for each of the 3 blocks of 'tensor<3x4xi8>'}}
  %x = nanochat.dequantize_blocks int8 %q, %s : tensor<3x4xi8>, tensor<4xf32>
  return
}

// -----

func.func @no_scale(%x: tensor<3x4xf32>) {
  // expected-error @+1 {{has the format bf16, which blocks cannot have; theirs is e4m3, int16, int8, dynamic or dynamic_unsigned}}
  %q, %s = nanochat.quantize_blocks bf16 %x : tensor<3x4xf32>
  return
}

// -----

func.func @other_codes(%q: tensor<3x4xi8>, %s: tensor<3xf32>) {
  // expected-error @+1 {{has codes 'tensor<3x4xi8>', but those of e4m3 are 'f8E4M3FN'}}
  %x = nanochat.dequantize_blocks e4m3 %q, %s : tensor<3x4xi8>, tensor<3xf32>
  return
}
