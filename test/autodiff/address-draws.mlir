// Every site has an address of its own in every iteration: loops around it count, the outermost most; seed and step are inputs.
// RUN: nanochat-opt %s --nanochat-address-draws | FileCheck %s

// CHECK-LABEL: func.func @train.gradients
// CHECK-SAME: %[[SEED:[a-z0-9]+]]: tensor<2xi32> {nanochat.bind = #nanochat.bind<input, "seed">}
// CHECK-SAME: %[[STEP:[a-z0-9]+]]: tensor<f32> {nanochat.bind = #nanochat.bind<input, "step">}
func.func @train.gradients(%x: tensor<64x32xf32> {nanochat.bind = #nanochat.bind<input, "x">}) -> (tensor<64x32xf32> {nanochat.bind = #nanochat.bind<output, "y">})
    attributes {nanochat.entry = #nanochat.entry<gradients, "train">} {
  // CHECK: %[[T:.*]] = arith.fptosi %[[STEP]]
  // CHECK: %[[OUTER:.*]] = arith.constant dense<[0, 1, 2]> : tensor<3xi32>
  // CHECK: nanochat.loop "n_loops" = 3 carry({{.*}}) slice(%[[I:.*]] = %[[OUTER]] : tensor<3xi32>) {
  %y = nanochat.loop "n_loops" = 3 carry(%a = %x : tensor<64x32xf32>) {
    // CHECK: %[[INNER:.*]] = arith.constant dense<[0, 1]> : tensor<2xi32>
    // CHECK: nanochat.loop "layers" = 2 carry({{.*}}) slice(%[[J:.*]] = %[[INNER]] : tensor<2xi32>) reverse {
    %z = nanochat.loop "layers" = 2 carry(%b = %a : tensor<64x32xf32>) reverse {
      // CHECK: %[[M0:.*]] = arith.muli %{{.*}}, %{{.*}} : tensor<i32>
      // CHECK: %[[S0:.*]] = arith.addi %[[M0]], %[[I]]
      // CHECK: %[[M1:.*]] = arith.muli %[[S0]], %{{.*}} : tensor<i32>
      // CHECK: %[[S1:.*]] = arith.addi %[[M1]], %[[J]]
      // CHECK: nanochat.random_address %[[SEED]], %[[S1]], %[[T]] site "wq.dx"
      // CHECK-NOT: nanochat.draws
      %d = nanochat.draws site "wq.dx"
      %q, %s = nanochat.quantize_fp4 mxfp4 %b axis = 1 draws %d : tensor<64x32xf32>
      %c = arith.sitofp %q : tensor<64x32xi8> to tensor<64x32xf32>
      nanochat.yield %c : tensor<64x32xf32>
    }
    nanochat.yield %z : tensor<64x32xf32>
  }
  return %y : tensor<64x32xf32>
}
