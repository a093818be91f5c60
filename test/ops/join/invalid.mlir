// RUN: nanochat-opt %s -split-input-file -verify-diagnostics
func.func @elements(%x: tensor<1x4xf32>, %y: tensor<2x3xf32>) -> tensor<3x4xf32> { // join-c1
  // expected-error @+1 {{makes 'tensor<3x4xf32>' of 'tensor<2x3xf32>', whose elements are others}}
  %z = nanochat.join %x, %y : tensor<1x4xf32>, tensor<2x3xf32> -> tensor<3x4xf32>
  return %z : tensor<3x4xf32>
}

// -----

func.func @count(%x: tensor<1x4xf32>, %y: tensor<2x4xf32>) -> tensor<4x4xf32> { // join-c2
  // expected-error @+1 {{makes 'tensor<4x4xf32>' of parts that have 3 elements}}
  %z = nanochat.join %x, %y : tensor<1x4xf32>, tensor<2x4xf32> -> tensor<4x4xf32>
  return %z : tensor<4x4xf32>
}

// -----

func.func @over(%x: tensor<1x4xf32>, %y: tensor<2x4xf32>, %s: tensor<4x4xf32>) -> tensor<3x4xf32> { // join-c3
  // expected-error @+1 {{puts 'tensor<3x4xf32>' over 'tensor<4x4xf32>'}}
  %z = nanochat.join %x, %y over %s : tensor<1x4xf32>, tensor<2x4xf32> over tensor<4x4xf32> -> tensor<3x4xf32>
  return %z : tensor<3x4xf32>
}
