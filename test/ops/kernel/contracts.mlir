// RUN: nanochat-opt %s | nanochat-opt | FileCheck %s
// What functions say of themselves to later stages.

// CHECK-LABEL: func.func @train.update
// CHECK-SAME: %{{.*}}: tensor<4x3xf32> {nanochat.bind = #nanochat.bind<parameter, "w", role = "matrix", init = normal, scale = 2.000000e-02 : f64>}
// CHECK-SAME: %{{.*}}: tensor<4x3xf32> {nanochat.bind = #nanochat.bind<gradient, "w">}
// CHECK-SAME: -> (tensor<4x3xf32> {nanochat.bind = #nanochat.bind<parameter, "w", role = "matrix", init = normal, scale = 2.000000e-02 : f64>})
// CHECK-SAME: attributes {nanochat.entry = #nanochat.entry<update, "train">}
func.func @train.update(%w: tensor<4x3xf32> {nanochat.bind = #nanochat.bind<parameter, "w", role = "matrix", init = normal, scale = 0.02 : f64>},
                        %g: tensor<4x3xf32> {nanochat.bind = #nanochat.bind<gradient, "w">})
    -> (tensor<4x3xf32> {nanochat.bind = #nanochat.bind<parameter, "w", role = "matrix", init = normal, scale = 0.02 : f64>})
    attributes {nanochat.entry = #nanochat.entry<update, "train">} {
  return %w : tensor<4x3xf32>
}

// CHECK: func.func @eval() attributes {nanochat.entry = #nanochat.entry<eval uses [0, 2]>}
func.func @eval() attributes {nanochat.entry = #nanochat.entry<eval uses [0, 2]>} {
  return
}

// CHECK: func.func @phase.fire() attributes {nanochat.entry = #nanochat.entry<phase, "fire" uses [0]>}
func.func @phase.fire() attributes {nanochat.entry = #nanochat.entry<phase, "fire" uses [0]>} {
  return
}

// CHECK: nanochat.kernel = #nanochat.kernel<rowwise, inplace = [-1], flops = 12, arithmetic = int8>
func.func private @meaning(tensor<4xf32>) -> tensor<4xf32> attributes {nanochat.kernel = #nanochat.kernel<rowwise, inplace = [-1], flops = 12, arithmetic = int8>}

// CHECK: nanochat.kernel = #nanochat.kernel<gemm, inplace = [0], tasks = 2, scratch = 64>
func.func private @emitted(memref<4xf32>, memref<4xf32>, index, memref<64xi8>)
    attributes {nanochat.kernel = #nanochat.kernel<gemm, inplace = [0], tasks = 2, scratch = 64>}

// CHECK: nanochat.kernel = #nanochat.kernel<gemm, inplace = [-1], tasks = 2, threads = 128, shared = 1024>
func.func private @block(memref<4xf32>, memref<4xf32>, index, memref<0xi8>, memref<1024xi8, 3>)
    attributes {nanochat.kernel = #nanochat.kernel<gemm, inplace = [-1], tasks = 2, threads = 128, shared = 1024>}
