// RUN: nanochat-opt %S/../Inputs/dense.mlir --target=native --stop-after=fuse | FileCheck %s

// Of all carried values and stacks only the state between the two loops is copied.
// CHECK-LABEL: func.func @train.gradients
// CHECK-COUNT-4: nanochat.copy
// CHECK-NOT: nanochat.copy
// CHECK: func.func @eval
