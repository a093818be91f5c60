// RUN: nanochat-opt %s --nanochat-check-kernels="target=native summary" | FileCheck %s
// RUN: nanochat-opt %s --nanochat-check-kernels=target=reference
// CHECK: 3 kernels

func.func private @norm(%x: tensor<6x20xf32>, %gain: tensor<20xf32>) -> tensor<6x20xf32>
    attributes {nanochat.class = "generic", nanochat.inplace = array<i64: 0>} {
  %y = nanochat.rms_norm %x, %gain : tensor<6x20xf32>, tensor<20xf32>
  return %y : tensor<6x20xf32>
}

func.func private @codes(%q: tensor<5x7xi8>, %ids: tensor<5xi32> {nanochat.bound = 9}) -> (tensor<5x7xi8>, tensor<5xi32>)
    attributes {nanochat.class = "generic", nanochat.inplace = array<i64: -1, -1>} {
  %r = arith.xori %q, %q : tensor<5x7xi8>
  %s = arith.addi %ids, %ids : tensor<5xi32>
  return %r, %s : tensor<5x7xi8>, tensor<5xi32>
}

func.func private @loss(%h: tensor<32x6xf32>, %w: tensor<9x6xf32>, %targets: tensor<32xi32> {nanochat.bound = 9})
    -> (tensor<f32>, tensor<32xf32>) attributes {nanochat.class = "generic"} {
  %loss, %nll = nanochat.linear_cross_entropy %h, %w, %targets : tensor<32x6xf32>, tensor<9x6xf32>, tensor<32xi32>
  return %loss, %nll : tensor<f32>, tensor<32xf32>
}
