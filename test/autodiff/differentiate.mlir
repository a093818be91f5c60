// RUN: nanochat-opt %S/../Inputs/dense.mlir --nanochat-differentiate --canonicalize --cse | FileCheck %s

// Loops give loops: residuals are stacks of the forward loops and slices of the reverse ones, gradients
// of shared weights are carried.
// CHECK-LABEL: func.func @train.gradients
// CHECK: nanochat.loop "n_loops" = 2 carry(
// CHECK: nanochat.loop "layers" = 2 carry(
// CHECK: nanochat.yield {{.*}} stack
// CHECK: nanochat.linear_cross_entropy_with_grad
// CHECK-NOT: cross_entropy
// CHECK: nanochat.loop "n_loops" = 2 {{.*}} reverse
// CHECK: nanochat.loop "layers" = 2 {{.*}} reverse
// CHECK: nanochat.rms_norm_grad
// CHECK: nanochat.embedding_grad
// CHECK: nanochat.grad_norm

