// RUN: nanochat-opt %s --nanochat-emit-plain | FileCheck %s

// Plain kernels run as one task and allocate nothing: what is temporary lies in the scratch.
// CHECK: func.func private @k(%{{.*}}: memref<6xi32>, %{{.*}}: memref<6x4xf32>, %{{.*}}: memref<9x4xf32>, %{{.*}}: index, %{{.*}}: memref<192xi8>)
// CHECK-SAME: nanochat.tasks = 1
// CHECK-NOT: memref.alloc
func.func private @k(%t: tensor<6xi32>, %dy: tensor<6x4xf32>) -> tensor<9x4xf32> attributes {nanochat.class = "generic", nanochat.inplace = array<i64: -1>} {
  %g = nanochat.embedding_grad %t, %dy : tensor<6xi32>, tensor<6x4xf32> -> tensor<9x4xf32>
  return %g : tensor<9x4xf32>
}
