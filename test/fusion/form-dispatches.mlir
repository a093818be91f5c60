// RUN: nanochat-opt %s --nanochat-set-target=target=x86-64-v3 --nanochat-decompose-for-fusion --nanochat-form-dispatches | FileCheck %s
// RUN: nanochat-opt %s --nanochat-set-target=target=reference --nanochat-decompose-for-fusion --nanochat-form-dispatches | FileCheck %s --check-prefix=ALONE

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

// What a body reads at indices of its own, through a view or not, must be finished: no part of the same dispatch.
// CHECK-LABEL: @gathers
// CHECK: nanochat.dispatch pointwise ins(
// CHECK: nanochat.dispatch pointwise ins(
// CHECK: return
func.func @gathers(%x: tensor<4x6xf32>) -> tensor<4x6xf32> {
  %y = arith.mulf %x, %x : tensor<4x6xf32>
  %flat = tensor.collapse_shape %y [[0, 1]] : tensor<4x6xf32> into tensor<24xf32>
  %empty = tensor.empty() : tensor<4x6xf32>
  %z = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%y : tensor<4x6xf32>) outs(%empty : tensor<4x6xf32>) {
  ^bb0(%a: f32, %o: f32):
    %i = linalg.index 0 : index
    %first = tensor.extract %flat[%i] : tensor<24xf32>
    %sum = arith.addf %a, %first : f32
    linalg.yield %sum : f32
  } -> tensor<4x6xf32>
  return %z : tensor<4x6xf32>
}

// What an entry returns, or a loop starts from, is written by a dispatch: a number everywhere, or a table.
// CHECK-LABEL: @constants
// CHECK: nanochat.dispatch pointwise ins()
// CHECK: arith.constant 2.0
// CHECK: nanochat.dispatch pointwise ins()
// CHECK: arith.constant dense<[1.0
func.func @constants() -> (tensor<2xf32>, tensor<2xf32>) {
  %all = arith.constant dense<2.0> : tensor<2xf32>
  %table = arith.constant dense<[1.0, 3.0]> : tensor<2xf32>
  return %all, %table : tensor<2xf32>, tensor<2xf32>
}
