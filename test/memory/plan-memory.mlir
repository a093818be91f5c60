// RUN: nanochat-opt %S/../Inputs/dense.mlir --target=native --stop-after=plan | FileCheck %s

// CHECK: nanochat.program {{.*}}arenas = array<i64:
// CHECK: nanochat.tensor <parameter, "embed", role = "embedding", init = normal{{.*}}> in param at 0 : tensor<257x12xf32>
// CHECK: nanochat.temporary @train.gradients at {{[0-9]+}} bytes {{[0-9]+}} alive {{[0-9]+}} to {{[0-9]+}} for saved : tensor<
// CHECK-LABEL: func.func @train.gradients()
// The layer loop writes its next state one slot on, where the reverse loop will look for it.
// CHECK: scf.for %[[T:.*]] = {{.*}} {
// CHECK: scf.for %[[L:.*]] = {{.*}} {
// CHECK: nanochat.slot workspace at [[FIRST:[0-9]+]][%[[T]], %[[L]]] * [1536, 768] : memref<16x12xf32>
// CHECK: nanochat.launch @rowwise
// CHECK: nanochat.launch @gemm
