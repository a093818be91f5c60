// A loop with a limit may run not at all and hand on what it was given: that is live, though its body does not read it.
// RUN: nanochat-opt %s --canonicalize | FileCheck %s
// CHECK-LABEL: func.func @f
// CHECK: nanochat.loop "outer" = 3 carry(%[[C:.*]] = %{{.*}} : tensor<4xf32>, %{{.*}} = %{{.*}} : tensor<4xf32>) {
// CHECK: nanochat.loop "when" = 1 carry(%{{.*}} = %[[C]] : tensor<4xf32>) limit
// CHECK: math.sin %[[C]]
func.func @f(%a: tensor<4xf32>, %z: tensor<4xf32>, %limit: tensor<i32>) -> tensor<4xf32> {
  %r:2 = nanochat.loop "outer" = 3 carry(%c = %a : tensor<4xf32>, %d = %z : tensor<4xf32>) {
    %w = nanochat.loop "when" = 1 carry(%o = %c : tensor<4xf32>) limit(%limit) {
      %n = math.exp %d : tensor<4xf32>
      nanochat.yield %n : tensor<4xf32>
    }
    %c2 = math.sin %c : tensor<4xf32>
    %d2 = arith.addf %d, %w : tensor<4xf32>
    nanochat.yield %c2, %d2 : tensor<4xf32>, tensor<4xf32>
  }
  return %r#1 : tensor<4xf32>
}
