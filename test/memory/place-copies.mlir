// RUN: nanochat-opt %S/../Inputs/dense.mlir --target=native --stop-after=fuse | FileCheck %s
// RUN: nanochat-opt %models/copy-tiny.mlir --target=native --stop-after=fuse | FileCheck %s
// RUN: nanochat-opt %models/copy-tiny.mlir --target=reference --stop-after=fuse | FileCheck %s
// RUN: nanochat-opt %models/looplm.mlir --target=native --stop-after=fuse | FileCheck %s
// RUN: nanochat-opt %models/looplm.mlir --target=native --set n_loops=3 --stop-after=fuse | FileCheck %s
// RUN: nanochat-opt %models/gpt2-124m.mlir --target=native --stop-after=fuse | FileCheck %s
// RUN: nanochat-opt %models/looplm.mlir --preset=a --target=native --stop-after=fuse | FileCheck %s
// RUN: nanochat-opt %models/looplm.mlir --set recompute=body --target=native --stop-after=fuse | FileCheck %s
// RUN: nanochat-opt %models/looplm.mlir --set recompute=nothing --target=native --stop-after=fuse | FileCheck %s

// No carried value, stack or updated tensor is copied: not by loops, not after them.
// CHECK-LABEL: func.func @train.gradients
// CHECK-NOT: nanochat.copy
// CHECK: func.func @{{.*}}eval
// CHECK-NOT: nanochat.copy
// CHECK: func.func @train.update
// CHECK-NOT: nanochat.copy
