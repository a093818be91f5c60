// RUN: nanochat-opt %S/../Inputs/dense.mlir --nanochat-build-forward-entries --canonicalize | FileCheck %s

// CHECK-LABEL: func.func @eval
// CHECK: nanochat.linear_cross_entropy
// CHECK-NOT: reverse
// CHECK: func.func @predict({{.*}}#nanochat.bind<input, "position"
// CHECK-NOT: cross_entropy
