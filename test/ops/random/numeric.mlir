// Philox4x32-10 as runtime/program/Philox.h has it, whose known answers are those of its authors.
// RUN: nanochat-opt %s --nanochat-check-numeric

// The words of the seed, then FNV-1a of the name, folded.
func.func @random_stream() -> (tensor<3xi32>, tensor<3xi32>) {
  %seed = arith.constant dense<[9, 7]> : tensor<2xi32>
  %x = nanochat.random_stream %seed site "update.layers.q"
  %e = arith.constant dense<[9, 7, 288435095]> : tensor<3xi32>
  return %x, %e : tensor<3xi32>, tensor<3xi32>
}

// Counters (e, 3, site, 5) from e = 0 and from 150 on, and under a seed without its upper word.
func.func @random_signs() -> (tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>) {
  %matrix = arith.constant dense<3> : tensor<i32>
  %step = arith.constant dense<5> : tensor<i32>
  %stream = arith.constant dense<[9, 7, 288435095]> : tensor<3xi32>
  %short = arith.constant dense<[9, 0, 288435095]> : tensor<3xi32>
  %x = nanochat.random_signs %stream, %matrix, %step : tensor<3x4xf32>
  %y = nanochat.random_signs %stream, %matrix, %step {first = 150} : tensor<3x4xf32>
  %z = nanochat.random_signs %short, %matrix, %step : tensor<3x4xf32>
  %xe = arith.constant dense<[[-1.0, 1.0, -1.0, 1.0], [1.0, 1.0, 1.0, -1.0], [-1.0, -1.0, -1.0, 1.0]]> : tensor<3x4xf32>
  %ye = arith.constant dense<[[-1.0, 1.0, 1.0, 1.0], [1.0, -1.0, 1.0, -1.0], [1.0, -1.0, -1.0, -1.0]]> : tensor<3x4xf32>
  %ze = arith.constant dense<[[1.0, 1.0, 1.0, 1.0], [-1.0, -1.0, 1.0, 1.0], [-1.0, -1.0, 1.0, -1.0]]> : tensor<3x4xf32>
  return %x, %xe, %y, %ye, %z, %ze : tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>
}
