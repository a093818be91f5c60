// RUN: nanochat-opt %S/../Inputs/dense.mlir --target=native --stop-after=fuse | FileCheck %s

// Identical bodies are one kernel: both passes of the loss form logits with the same one.
// CHECK-LABEL: func.func @train.gradients
// CHECK: nanochat.dispatch gemm @[[LOGITS:gemm_1x257]] ins
// CHECK: nanochat.dispatch gemm @[[LOGITS]] ins
// CHECK: func.func private @[[LOGITS]]({{.*}}nanochat.kernel = #nanochat.kernel<gemm, inplace = [-1
