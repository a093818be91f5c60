// RUN: nanochat-opt %S/../Inputs/dense.mlir --target=native --stop-after=fuse | FileCheck %s
// RUN: nanochat-opt %models/copy-tiny.mlir --target=native --stop-after=fuse | FileCheck %s
// RUN: nanochat-opt %models/copy-tiny.mlir --target=reference --stop-after=fuse | FileCheck %s
// RUN: nanochat-opt %models/looplm-tiny.mlir --target=native --stop-after=fuse | FileCheck %s
// RUN: nanochat-opt %models/looplm-tiny.mlir --target=native --set n_loops=3 --stop-after=fuse | FileCheck %s
// RUN: nanochat-opt %models/gpt2-124m.mlir --target=native --stop-after=fuse | FileCheck %s
// RUN: nanochat-opt %models/looplm-a.mlir --target=native --stop-after=fuse | FileCheck %s
// RUN: sed -e 's/recompute(cheap)/recompute(body)/' %models/looplm-tiny.mlir > %t.body.mlir
// RUN: nanochat-opt %t.body.mlir --target=native --stop-after=fuse | FileCheck %s
// RUN: sed -e 's/recompute(cheap)/recompute(nothing)/' %models/looplm-tiny.mlir > %t.nothing.mlir
// RUN: nanochat-opt %t.nothing.mlir --target=native --stop-after=fuse | FileCheck %s

// No carried value, stack or updated tensor is copied: not by loops, not after them.
// CHECK-LABEL: func.func @train.gradients
// CHECK-NOT: nanochat.copy
// CHECK: func.func @{{.*}}eval
// CHECK-NOT: nanochat.copy
// CHECK: func.func @train.update
// CHECK-NOT: nanochat.copy
