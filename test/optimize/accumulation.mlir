// RUN: sed 's/nanochat.linear /nanochat.ternary_linear /' %S/../Inputs/looped.mlir | nanochat-opt --target=reference --set accum=3 --stop-after=optimize | FileCheck %s

// Weights are ternarised once per step, in front of the loop over micro-batches; what is per token is stacked.
// CHECK-LABEL: func.func @train.gradients
// CHECK-COUNT-6: nanochat.ternarize
// CHECK-NOT: nanochat.ternarize
// CHECK: nanochat.loop "accum" = 3 carry({{.*}} : tensor<f32>, {{.*}} slice({{.*}} : tensor<3x16xi32>, {{.*}} : tensor<3x16xi32>)
// CHECK-NOT: nanochat.ternarize
// CHECK: nanochat.yield {{.*}} stack %{{.*}}, %{{.*}} : tensor<3x16xf32>, tensor<3x16xf32>
// CHECK-NOT: nanochat.ternarize
// CHECK: return
// CHECK-SAME: tensor<f32>, tensor<3x3x16xf32>, tensor<3x3x16xf32>, tensor<f32>
