// RUN: nanochat-opt %S/../Inputs/dense.mlir --target=native --stop-after=plan | FileCheck %s

// CHECK: nanochat.arena_bytes = array<i64:
// CHECK-SAME: kind = "param", name = "embed"
// CHECK-LABEL: func.func @train.gradients()
// The layer loop writes its next state one slot on, where the reverse loop will look for it.
// CHECK: scf.for %[[T:.*]] = {{.*}} {
// CHECK: scf.for %[[L:.*]] = {{.*}} {
// CHECK: nanochat.slot workspace at [[FIRST:[0-9]+]][%[[T]], %[[L]]] * [1536, 768] : memref<16x12xf32>
// CHECK: nanochat.launch @rowwise
// CHECK: nanochat.launch @gemm
