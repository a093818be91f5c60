// RUN: nanochat-opt %s --nanochat-decompose-for-fusion --nanochat-form-dispatches | FileCheck %s
// RUN: nanochat-opt %s --nanochat-decompose-for-fusion --nanochat-form-dispatches="fuse=false" | FileCheck %s --check-prefix=ALONE

// The norm is one rowwise dispatch, the residual an epilogue (arguments are never overwritten).
// CHECK-LABEL: @f
// CHECK: nanochat.dispatch rowwise ins(
// CHECK: nanochat.dispatch gemm ins({{.*}}) inplace [-1]
// CHECK-NOT: nanochat.dispatch
// CHECK: return
// ALONE-COUNT-5: nanochat.dispatch
func.func @f(%x: tensor<16x8xf32>, %g: tensor<8xf32>, %w: tensor<8x8xf32>) -> tensor<16x8xf32> {
  %n = nanochat.rms_norm %x, %g : tensor<16x8xf32>, tensor<8xf32>
  %y = nanochat.linear %n, %w : tensor<16x8xf32>, tensor<8x8xf32>
  %z = arith.addf %x, %y : tensor<16x8xf32>
  return %z : tensor<16x8xf32>
}
