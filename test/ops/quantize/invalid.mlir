// RUN: nanochat-opt %s -split-input-file -verify-diagnostics

func.func @channels(%x: tensor<2x4xf32>, %w: tensor<4x3xf32>) { // ternary_linear-c1
  // expected-error @+1 {{contracts 4 channels of 'tensor<2x4xf32>' with 3 of 'tensor<4x3xf32>' (weights are out × in)}}
  %y = nanochat.ternary_linear %x, %w : tensor<2x4xf32>, tensor<4x3xf32>
  return
}

// -----

func.func @group(%x: tensor<2x4xf32>, %w: tensor<3x4xf32>) { // ternary_linear-c2
  // expected-error @+1 {{has group = 3, which does not divide the 4 inputs of 'tensor<3x4xf32>'; 0 scales per tensor}}
  %y = nanochat.ternary_linear %x, %w {group = 3} : tensor<2x4xf32>, tensor<3x4xf32>
  return
}

// -----

func.func @backward(%x: tensor<2x4xf32>, %w: tensor<3x4xf32>) { // ternary_linear-c3
  // expected-error @+1 {{has weights scaled in groups, whose gradients are products of f32; backward is #nanochat.backward<dx = f32, dw = int8>}}
  %y = nanochat.ternary_linear %x, %w group = 2 backward <dx = f32, dw = int8> : tensor<2x4xf32>, tensor<3x4xf32>
  return
}

// -----

func.func @backward_format(%x: tensor<2x4xf32>, %w: tensor<3x4xf32>) {
  // expected-error @+2 {{to be one of: f32, int16, int8}}
  // expected-error @+1 {{failed to parse Nanochat_BackwardAttr parameter 'dx'}}
  %y = nanochat.ternary_linear %x, %w backward <dx = i8, dw = int8> : tensor<2x4xf32>, tensor<3x4xf32>
  return
}

// -----

func.func @ternarize_group(%w: tensor<3x4xf32>) { // ternarize-c1
  // expected-error @+1 {{has group = 8, which does not divide the 4 inputs}}
  %t, %gamma = nanochat.ternarize %w group 8 : tensor<3x4xf32>
  return
}

// -----

func.func @matmul_channels(%q: tensor<2x4xi8>, %s: tensor<2xf32>, %t: tensor<3x5xi8>, %g: tensor<f32>) { // ternary_matmul-c1
  // expected-error @+1 {{contracts 4 channels of 'tensor<2x4xi8>' with 5 of 'tensor<3x5xi8>'}}
  %y = nanochat.ternary_matmul %q, %s, %t, %g : tensor<2x4xi8>, tensor<2xf32>, tensor<3x5xi8>, tensor<f32>
  return
}

// -----

func.func @row_scales(%q: tensor<2x4xi8>, %s: tensor<4xf32>, %t: tensor<3x4xi8>, %g: tensor<f32>) { // ternary_matmul-c2
  // expected-error @+1 {{has scales 'tensor<4xf32>', expected one for each of the 2 rows of q 'tensor<2x4xi8>'}}
  %y = nanochat.ternary_matmul %q, %s, %t, %g : tensor<2x4xi8>, tensor<4xf32>, tensor<3x4xi8>, tensor<f32>
  return
}

// -----

func.func @weight_scales(%q: tensor<2x4xi8>, %s: tensor<2xf32>, %t: tensor<3x4xi8>, %g: tensor<3x3xf32>) { // ternary_matmul-c3
  // expected-error @+1 {{has scales 'tensor<3x3xf32>' for weights 'tensor<3x4xi8>'; expected a scalar or (3, groups) with groups a divisor of 4}}
  %y = nanochat.ternary_matmul %q, %s, %t, %g : tensor<2x4xi8>, tensor<2xf32>, tensor<3x4xi8>, tensor<3x3xf32>
  return
}

// -----

func.func @matmul_backward(%q: tensor<2x4xi8>, %s: tensor<2xf32>, %t: tensor<3x4xi8>, %g: tensor<3x2xf32>) { // ternary_matmul-c4
  // expected-error @+1 {{has weights scaled in groups, whose gradients are products of f32}}
  %y = nanochat.ternary_matmul %q, %s, %t, %g backward <dx = int16, dw = f32> : tensor<2x4xi8>, tensor<2xf32>, tensor<3x4xi8>, tensor<3x2xf32>
  return
}

// -----

func.func @dequantize_rows(%q: tensor<2x4xi8>, %s: tensor<3xf32>) { // dequantize_rows-c1
  // expected-error @+1 {{has scales 'tensor<3xf32>', expected one for each of the 2 rows}}
  %x = nanochat.dequantize_rows %q, %s : tensor<2x4xi8>, tensor<3xf32>
  return
}

// -----

func.func @dequantize_weight(%t: tensor<3x4xi8>, %g: tensor<2x2xf32>) { // dequantize_weight-c1
  // expected-error @+1 {{expected a scalar or (3, groups)}}
  %w = nanochat.dequantize_weight %t, %g : tensor<3x4xi8>, tensor<2x2xf32>
  return
}

// -----

func.func @pack(%t: tensor<24x8xi8>) { // pack_panels-c1
  // expected-error @+1 {{packs 'tensor<24x8xi8>', which 16 outputs by 4 inputs do not divide}}
  %p = nanochat.pack_panels %t : tensor<24x8xi8>
  return
}

// -----

func.func @panel_shape(%q: tensor<2x8xi8>, %s: tensor<2xf32>, %p: tensor<2x2x8x4xi8>, %g: tensor<f32>) { // ternary_matmul-c3
  // expected-error @+1 {{panels have the shape (out/16, in/4, 16, 4) and one scale}}
  %y = nanochat.ternary_matmul %q, %s, %p, %g : tensor<2x8xi8>, tensor<2xf32>, tensor<2x2x8x4xi8>, tensor<f32>
  return
}

// -----

func.func @panel_scales(%p: tensor<1x2x16x4xi8>, %g: tensor<16x2xf32>) { // dequantize_weight-c1
  // expected-error @+1 {{panels have the shape (out/16, in/4, 16, 4) and one scale}}
  %w = nanochat.dequantize_weight %p, %g : tensor<1x2x16x4xi8>, tensor<16x2xf32>
  return
}

// -----

func.func @input_grad_outputs(%dy: tensor<2x5xf32>, %t: tensor<3x4xi8>, %g: tensor<f32>) { // ternary_input_grad-c1
  // expected-error @+1 {{has gradients 'tensor<2x5xf32>' of weights with 3 outputs}}
  %dx = nanochat.ternary_input_grad %dy, %t, %g : tensor<2x5xf32>, tensor<3x4xi8>, tensor<f32>
  return
}

// -----

func.func @weight_grad_tokens(%dy: tensor<2x3xf32>, %q: tensor<5x4xi8>, %s: tensor<5xf32>) { // ternary_weight_grad-c1
  // expected-error @+1 {{has gradients of 2 tokens and codes of 5}}
  %dw = nanochat.ternary_weight_grad %dy, %q, %s : tensor<2x3xf32>, tensor<5x4xi8>, tensor<5xf32>
  return
}

// -----

func.func @weight_grad_scales(%dy: tensor<2x3xf32>, %q: tensor<2x4xi8>, %s: tensor<5xf32>) { // ternary_weight_grad-c2
  // expected-error @+1 {{has scales 'tensor<5xf32>', expected one for each of the 2 rows}}
  %dw = nanochat.ternary_weight_grad %dy, %q, %s : tensor<2x3xf32>, tensor<2x4xi8>, tensor<5xf32>
  return
}

// -----

func.func @input_grad_format(%dy: tensor<2x3xf32>, %t: tensor<3x4xi8>, %g: tensor<f32>) { // ternary_input_grad-c2
  // expected-error @+1 {{has codes in panels; they are int16 or int8}}
  %dx = nanochat.ternary_input_grad %dy, %t, %g format panels : tensor<2x3xf32>, tensor<3x4xi8>, tensor<f32>
  return
}

// -----

func.func @weight_grad_format(%dy: tensor<2x3xf32>, %q: tensor<2x4xi8>, %s: tensor<2xf32>) { // ternary_weight_grad-c3
  // expected-error @+1 {{has codes in bf16; they are int16 or int8}}
  %dw = nanochat.ternary_weight_grad %dy, %q, %s format bf16 : tensor<2x3xf32>, tensor<2x4xi8>, tensor<2xf32>
  return
}

// -----

func.func @input_grad_by_chance(%dy: tensor<2x3xf32>, %t: tensor<3x4xi8>, %g: tensor<f32>, %a: tensor<5xi32>) { // ternary_input_grad-c3
  // expected-error @+1 {{rounds codes in int16 by chance, which only those in int8 are}}
  %dx = nanochat.ternary_input_grad %dy, %t, %g draws %a : tensor<2x3xf32>, tensor<3x4xi8>, tensor<f32>
  return
}

// -----

func.func @weight_grad_by_chance(%dy: tensor<2x3xf32>, %q: tensor<2x4xi8>, %s: tensor<2xf32>, %a: tensor<5xi32>) { // ternary_weight_grad-c4
  // expected-error @+1 {{rounds codes in int16 by chance, which only those in int8 are}}
  %dw = nanochat.ternary_weight_grad %dy, %q, %s draws %a : tensor<2x3xf32>, tensor<2x4xi8>, tensor<2xf32>
  return
}

// -----

func.func @stochastic_rows(%x: tensor<2x3xf32>, %s: tensor<3xf32>, %a: tensor<5xi32>) { // quantize_stochastic-c1
  // expected-error @+1 {{has factors 'tensor<3xf32>' of 2 rows}}
  %q, %m = nanochat.quantize_stochastic %x scaled %s : tensor<3xf32> axis = 0 draws %a : tensor<2x3xf32>
  return
}

// -----

func.func @stochastic_axis(%x: tensor<2x3xf32>, %a: tensor<5xi32>) { // quantize_stochastic-c2
  // expected-error @+1 {{axis = 2 is none of a matrix: it is 0 or 1}}
  %q, %m = nanochat.quantize_stochastic %x axis = 2 draws %a : tensor<2x3xf32>
  return
}

// -----

func.func @stochastic_types(%x: tensor<2x3xf32>, %s: tensor<2xf64>, %a: tensor<5xi32>) { // quantize_stochastic-c3
  // expected-error @+1 {{has numbers 'tensor<2x3xf32>' and factors 'tensor<2xf64>' of another type}}
  %q, %m = nanochat.quantize_stochastic %x scaled %s : tensor<2xf64> axis = 0 draws %a : tensor<2x3xf32>
  return
}

// -----

func.func @nothing_to_round(%x: tensor<8x4xf32>, %w: tensor<6x4xf32>) {
  // expected-error @+1 {{rounding is of gradients in int8, mxfp4 or nvfp4, and these are in int16 and f32}}
  %y = nanochat.ternary_linear %x, %w backward <dx = int16, dw = f32, rounding = stochastic> : tensor<8x4xf32>, tensor<6x4xf32>
  return
}

// -----

func.func @scale_group(%w: tensor<3x4xf32>) { // ternary_scale-c1
  // expected-error @+1 {{has group = 8, which does not divide the 4 inputs}}
  %gamma = nanochat.ternary_scale %w group 8 : tensor<3x4xf32>
  return
}

// -----

func.func @scales_of_other_weights(%w: tensor<3x4xf32>, %gamma: tensor<2x2xf32>) { // ternarize_by-c1
  // expected-error @+1 {{'nanochat.ternarize_by' op}}
  %t = nanochat.ternarize_by %w by %gamma : tensor<3x4xf32>, tensor<2x2xf32>
  return
}
