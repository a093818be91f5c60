// RUN: nanochat-opt %S/../Inputs/dense.mlir --nanochat-build-updates | FileCheck %s

// Parameters, gradients and scalars are arguments bound by name; new parameters are bound as the old.
// CHECK: func.func @train.update({{.*}}kind = "input", name = "lr"
// CHECK-SAME: kind = "gradient", name = "embed"
// CHECK-SAME: kind = "param", name = "embed"
// CHECK-COUNT-3: nanochat.sgd
