// Two groups of two ranks: what a group computes together goes between neighbours, sums over batches between ranks of the same place. Gradients are of parts until they are summed.
// RUN: nanochat-opt %models/copy-tiny.mlir --set batch=12 --ranks=4 --tensor=2 --target=native --stop-after=distribute | FileCheck %s
// One process evaluates.
// CHECK-LABEL: func.func @eval
// CHECK-NOT: among
// CHECK-LABEL: func.func @train.gradients
// CHECK: arith.remsi %[[RANK:.*]], %{{.*}} : tensor<i32>
// CHECK: nanochat.part %{{.*}} dim 1 among 2
// CHECK-NOT: nanochat.join_parts
// CHECK: nanochat.exchange_start all_to_all %{{.*}} members 2 by 2
// CHECK: nanochat.exchange_start all_gather %{{.*}} members 2 by 2
// CHECK: nanochat.join_parts %{{.*}} among 2
// CHECK: nanochat.grad_norm
// CHECK-LABEL: func.func @train.update
// CHECK-NOT: among

// Of two ranks each has all; four add up slices.
// RUN: nanochat-opt %models/looplm.mlir --tensor=4 --target=native --stop-after=fuse | FileCheck %s --check-prefix=FOUR
// FOUR-LABEL: func.func @train.gradients
// FOUR: nanochat.exchange_start all_to_all %{{.*}} lane 7 members 4 : tensor<{{[0-9]+}}xi32> -> tensor<4x{{[0-9]+}}xi32>
// FOUR: nanochat.exchange_start all_gather %{{.*}} lane 7 members 4 : tensor<{{[0-9]+}}xi32>
