// RUN: nanochat-opt %S/../Inputs/dense.mlir --target=native --stop-after=fuse | nanochat-opt --nanochat-emit-kernels | FileCheck %s

// Kernels with an emitter are loops on buffers and split into tasks; others wait for plain loops.
// CHECK: func.func private @rowwise_16x12({{.*}}memref<16x12xf32>{{.*}}tasks = 
// CHECK: vector.
