// RUN: nanochat-opt %s --nanochat-emit-plain | FileCheck %s

// Plain kernels run as one task and allocate nothing: results form in their outputs.
// CHECK: func.func private @k(%{{.*}}: memref<6xi32>, %{{.*}}: memref<6x4xf32>, %{{.*}}: memref<9x4xf32>, %{{.*}}: index, %{{.*}}: memref<1xi8>)
// CHECK-SAME: nanochat.kernel<generic, inplace = [-1], tasks = 1
// CHECK-NOT: memref.alloc
func.func private @k(%t: tensor<6xi32>, %dy: tensor<6x4xf32>) -> tensor<9x4xf32> attributes {nanochat.kernel = #nanochat.kernel<generic, inplace = [-1]>} {
  %g = nanochat.embedding_grad %t, %dy : tensor<6xi32>, tensor<6x4xf32> -> tensor<9x4xf32>
  return %g : tensor<9x4xf32>
}

// What is temporary lies in the scratch, as does a result whose output is an input still read.
// CHECK: func.func private @in_place(%{{.*}}: memref<5x5xf32>, %[[OUT:.*]]: memref<5x5xf32>, %{{.*}}: index, %[[SCRATCH:.*]]: memref<128xi8>)
// CHECK-NOT: memref.alloc
// CHECK: memref.view %[[SCRATCH]]
func.func private @in_place(%x: tensor<5x5xf32>) -> tensor<5x5xf32> attributes {nanochat.kernel = #nanochat.kernel<generic, inplace = [0]>} {
  %e = tensor.empty() : tensor<5x5xf32>
  %y = linalg.transpose ins(%x : tensor<5x5xf32>) outs(%e : tensor<5x5xf32>) permutation = [1, 0]
  return %y : tensor<5x5xf32>
}
