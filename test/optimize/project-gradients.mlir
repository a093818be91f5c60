// RUN: nanochat-opt %models/looplm.mlir --nanochat-set-sizes="sizes=layers=2,n_loops=2,accum=2,seq=16,batch=1" \
// RUN:   --nanochat-assign-optimizers="assign=matrix=galore:rank=64:clip=projected" --nanochat-expand-ternary --nanochat-differentiate \
// RUN:   --canonicalize --nanochat-sink-sums --nanochat-build-updates --nanochat-project-gradients --canonicalize | FileCheck %s

// Which matrices are due is known at the start: 14 of them, and carried around the two outer loops, where the first iteration
// takes them all.
// CHECK-LABEL: func.func @train.gradients
// CHECK-SAME: #nanochat.bind<state, "layers.q.basis"
// CHECK-SAME: #nanochat.bind<state, "layers.q.count"
// CHECK-SAME: tensor<2xi32> {nanochat.bind = #nanochat.bind<input, "seed">}
// Each parameter has a stream of its own.
// CHECK: %[[STREAM:.*]] = nanochat.random_stream %{{.*}} site "update.layers.down"
// CHECK: nanochat.refresh_schedule %{{.*}} {first = 12 : i64, of = 14 : i64, period = 200 : i64} : tensor<2xi32>
// CHECK: nanochat.loop "accum" = 2 {{.*}}tensor<2xi32>
// CHECK: nanochat.loop "n_loops" = 2 {{.*}}tensor<2xi32>{{.*}} reverse
// In the loop over layers, the gradient of a matrix that is due is formed once more, as a whole, for its basis only.
// CHECK: nanochat.loop "layers" = 2 {{.*}} reverse
// CHECK-NOT: nanochat.matmul %{{.*}} transposed, %{{.*}} : tensor<16x256xf32>, tensor<16x704xf32>
// CHECK: %[[P:.*]] = nanochat.loop "refresh" = 1 carry(%{{.*}} : tensor<256x64xf32>) limit(%{{.*}}) attributes {nanochat.period = 800 : i64} {
// CHECK-NEXT: %[[G:.*]] = nanochat.matmul %[[DY:.*]] transposed, %[[X:.*]] : tensor<16x256xf32>, tensor<16x704xf32>
// CHECK-NEXT: nanochat.low_rank_basis %[[G]], %[[STREAM]],
// CHECK: }
// The narrow factor first: (dy·P)ᵀ·x.
// CHECK: %[[T:.*]] = nanochat.matmul %[[DY]], %[[P]] : tensor<16x256xf32>, tensor<256x64xf32>
// CHECK: nanochat.matmul %[[T]] transposed, %[[X]] : tensor<16x64xf32>, tensor<16x704xf32>
