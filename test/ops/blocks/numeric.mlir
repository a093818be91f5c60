// RUN: nanochat-opt %s --nanochat-check-numeric

func.func @int8() -> (tensor<2x4xi8>, tensor<2x4xi8>, tensor<2xf32>, tensor<2xf32>, tensor<2x4xf32>, tensor<2x4xf32>) {
  %x = arith.constant dense<[[1.27, -0.5, 0.0, 0.014], [0.0, 0.0, 0.0, 0.0]]> : tensor<2x4xf32>
  %q, %s = nanochat.quantize_blocks int8 %x : tensor<2x4xf32>
  %y = nanochat.dequantize_blocks int8 %q, %s : tensor<2x4xi8>, tensor<2xf32>
  %qe = arith.constant dense<[[127, -50, 0, 1], [0, 0, 0, 0]]> : tensor<2x4xi8>
  %se = arith.constant dense<[0.01, 0.0]> : tensor<2xf32>
  %ye = arith.constant dense<[[1.27, -0.5, 0.0, 0.01], [0.0, 0.0, 0.0, 0.0]]> : tensor<2x4xf32>
  return %q, %qe, %s, %se, %y, %ye : tensor<2x4xi8>, tensor<2x4xi8>, tensor<2xf32>, tensor<2xf32>, tensor<2x4xf32>, tensor<2x4xf32>
}

// 448 is the largest E4M3; from 32 on they lie 4 apart, from 2 on a quarter.
func.func @e4m3() -> (tensor<1x4xf32>, tensor<1x4xf32>, tensor<1xf32>, tensor<1xf32>) {
  %x = arith.constant dense<[[4.48, -0.51, 0.0, 0.021]]> : tensor<1x4xf32>
  %q, %s = nanochat.quantize_blocks e4m3 %x : tensor<1x4xf32>
  %y = nanochat.dequantize_blocks e4m3 %q, %s : tensor<1x4xf8E4M3FN>, tensor<1xf32>
  %ye = arith.constant dense<[[4.48, -0.52, 0.0, 0.02]]> : tensor<1x4xf32>
  %se = arith.constant dense<[0.01]> : tensor<1xf32>
  return %y, %ye, %s, %se : tensor<1x4xf32>, tensor<1x4xf32>, tensor<1xf32>, tensor<1xf32>
}

// Per decade: .055 is number 16 of the 32 in [.01, .1), .45 number 24 of the 64 in [.1, 1).
func.func @dynamic() -> (tensor<1x6xi8>, tensor<1x6xi8>, tensor<1x6xf32>, tensor<1x6xf32>) {
  %x = arith.constant dense<[[2.0, -2.0, 0.0, 1.1e-6, -0.11, 0.9]]> : tensor<1x6xf32>
  %q, %s = nanochat.quantize_blocks dynamic %x : tensor<1x6xf32>
  %y = nanochat.dequantize_blocks dynamic %q, %s : tensor<1x6xi8>, tensor<1xf32>
  %codes = arith.constant dense<[[-128, -127, 0, 1, -48, 88]]> : tensor<1x6xi8>
  %values = arith.constant dense<[[2.0, -1.9859375, 0.0, 1.1e-6, -0.1128125, 0.8890625]]> : tensor<1x6xf32>
  return %q, %codes, %y, %values : tensor<1x6xi8>, tensor<1x6xi8>, tensor<1x6xf32>, tensor<1x6xf32>
}

func.func @dynamic_unsigned() -> (tensor<1x5xi8>, tensor<1x5xi8>, tensor<1x5xf32>, tensor<1x5xf32>) {
  %x = arith.constant dense<[[2.0, 0.0, 0.5, 2.0e-6, 0.9]]> : tensor<1x5xf32>
  %q, %s = nanochat.quantize_blocks dynamic_unsigned %x : tensor<1x5xf32>
  %y = nanochat.dequantize_blocks dynamic_unsigned %q, %s : tensor<1x5xi8>, tensor<1xf32>
  %codes = arith.constant dense<[[-1, 0, -108, 2, -80]]> : tensor<1x5xi8>
  %values = arith.constant dense<[[2.0, 0.0, 0.50234375, 1.55e-6, 0.89609375]]> : tensor<1x5xf32>
  return %q, %codes, %y, %values : tensor<1x5xi8>, tensor<1x5xi8>, tensor<1x5xf32>, tensor<1x5xf32>
}

func.func @blocks() -> (tensor<4x2xf32>, tensor<4x2xf32>, tensor<2x3xf32>, tensor<2x3xf32>) {
  %x = arith.constant dense<[[1.0,2.0,3.0],[4.0,5.0,6.0]]> : tensor<2x3xf32>
  %y = nanochat.block %x : tensor<2x3xf32> to tensor<4x2xf32>
  %ye = arith.constant dense<[[1.0,2.0],[3.0,0.0],[4.0,5.0],[6.0, 0.0]]> : tensor<4x2xf32>
  %z = nanochat.unblock %y : tensor<4x2xf32> to tensor<2x3xf32>
  return %y, %ye, %z, %x : tensor<4x2xf32>, tensor<4x2xf32>, tensor<2x3xf32>, tensor<2x3xf32>
}
