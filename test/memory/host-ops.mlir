// RUN: not nanochat-opt %s --nanochat-plan-memory 2>&1 | FileCheck %s
// RUN: not nanochat-opt %s --nanochat-place-copies 2>&1 | FileCheck %s
// An op that has no place in a host function is said so where it stands.

// CHECK: host-ops.mlir:[[#@LINE+7]]:10: error: 'tensor.cast' op cannot stand in an entry when its tensors get their places
// CHECK: note: what can are dispatches, loops, exchanges and views (HostOpInterface): --nanochat-form-dispatches puts other ops into dispatches
func.func @eval(%x: tensor<4x3xf32> {nanochat.bind = #nanochat.bind<state, "x">}) -> (tensor<4x3xf32> {nanochat.bind = #nanochat.bind<output, "y">})
    attributes {nanochat.entry = #nanochat.entry<eval>} {
  %y = nanochat.loop "layers" = 2 carry(%v = %x : tensor<4x3xf32>) {
    %flat = tensor.collapse_shape %v [[0, 1]] : tensor<4x3xf32> into tensor<12xf32>
    %back = tensor.expand_shape %flat [[0, 1]] output_shape [4, 3] : tensor<12xf32> into tensor<4x3xf32>
    %w = tensor.cast %back : tensor<4x3xf32> to tensor<4x3xf32>
    nanochat.yield %w : tensor<4x3xf32>
  }
  return %y : tensor<4x3xf32>
}
