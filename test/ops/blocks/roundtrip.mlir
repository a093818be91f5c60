// RUN: nanochat-opt %s | nanochat-opt | FileCheck %s
// RUN: nanochat-opt %s --mlir-print-op-generic | nanochat-opt | FileCheck %s

// CHECK-LABEL: @blocks
func.func @blocks(%x: tensor<10xf32>, %m: tensor<2x3xf32>) -> (tensor<10xf32>, tensor<2x3xf32>) {
  // CHECK: nanochat.block %{{.*}} : tensor<10xf32> to tensor<3x4xf32>
  %a = nanochat.block %x : tensor<10xf32> to tensor<3x4xf32>
  %b = nanochat.block %m : tensor<2x3xf32> to tensor<4x2xf32>
  // CHECK: nanochat.unblock %{{.*}} : tensor<3x4xf32> to tensor<10xf32>
  %c = nanochat.unblock %a : tensor<3x4xf32> to tensor<10xf32>
  %d = nanochat.unblock %b : tensor<4x2xf32> to tensor<2x3xf32>
  return %c, %d : tensor<10xf32>, tensor<2x3xf32>
}

// CHECK-LABEL: @codes
func.func @codes(%x: tensor<3x4xf32>) -> tensor<3x4xf32> {
  // CHECK: nanochat.quantize_blocks dynamic_unsigned %{{.*}} : tensor<3x4xf32>
  %q, %s = nanochat.quantize_blocks dynamic_unsigned %x : tensor<3x4xf32>
  // CHECK: nanochat.dequantize_blocks dynamic_unsigned %{{.*}}, %{{.*}} : tensor<3x4xi8>, tensor<3xf32>
  %y = nanochat.dequantize_blocks dynamic_unsigned %q, %s : tensor<3x4xi8>, tensor<3xf32>
  return %y : tensor<3x4xf32>
}
