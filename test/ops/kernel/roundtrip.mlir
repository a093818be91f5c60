// RUN: nanochat-opt %s | nanochat-opt | FileCheck %s
func.func private @gemm(memref<16x4xf32>, memref<16x8xf32>)
// CHECK-LABEL: @host
func.func @host(%i: index) {
  // CHECK: nanochat.slot param at 64[] * [] : memref<16x4xf32>
  %x = nanochat.slot param at 64[] * [] : memref<16x4xf32>
  // CHECK: nanochat.slot workspace at 4096[%{{.*}}] * [512] : memref<16x8xf32>
  %y = nanochat.slot workspace at 4096[%i] * [512] : memref<16x8xf32>
  // CHECK: nanochat.launch @gemm(%{{.*}}, %{{.*}}) : memref<16x4xf32>, memref<16x8xf32>
  nanochat.launch @gemm(%x, %y) : memref<16x4xf32>, memref<16x8xf32>
  return
}
