// RUN: nanochat-opt %s | nanochat-opt | FileCheck %s
func.func private @gemm(tensor<16x4xf32>) -> tensor<16x8xf32> attributes {nanochat.kernel = #nanochat.kernel<gemm>}
func.func private @emitted(memref<16x4xf32>, memref<16x8xf32>, index, memref<64xi8>) attributes {nanochat.kernel = #nanochat.kernel<gemm, inplace = [-1], tasks = 1, scratch = 64>}
// CHECK-LABEL: @host
func.func @host(%i: index) {
  // CHECK: nanochat.slot param at 64[] * [] : memref<16x4xf32>
  %x = nanochat.slot param at 64[] * [] : memref<16x4xf32>
  // CHECK: nanochat.slot workspace at 4096[%{{.*}}] * [512] : memref<16x8xf32>
  %y = nanochat.slot workspace at 4096[%i] * [512] : memref<16x8xf32>
  // CHECK: nanochat.launch @gemm(%{{.*}}, %{{.*}}) : memref<16x4xf32>, memref<16x8xf32>
  nanochat.launch @gemm(%x, %y) : memref<16x4xf32>, memref<16x8xf32>
  // CHECK: nanochat.launch @emitted(%{{.*}}, %{{.*}}) : memref<16x4xf32>, memref<16x8xf32>
  nanochat.launch @emitted(%x, %y) : memref<16x4xf32>, memref<16x8xf32>
  return
}
