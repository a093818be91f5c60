// Gradients of streams by central differences, through the iterations as well.
// RUN: nanochat-opt %s --nanochat-check-grad=summary -o /dev/null | FileCheck %s
// CHECK: 9 functions
func.func @copies(%h: tensor<3x2xf64>) -> tensor<3x6xf64> attributes {nanochat.check_grad} {
  %x = nanochat.copy_streams %h streams = 3 : tensor<3x2xf64>
  return %x : tensor<3x6xf64>
}
func.func @sum(%x: tensor<3x6xf64>) -> tensor<3x2xf64> attributes {nanochat.check_grad} {
  %h = nanochat.collapse_streams %x streams = 3 : tensor<3x6xf64>
  return %h : tensor<3x2xf64>
}
func.func @mean(%x: tensor<3x6xf64>) -> tensor<3x2xf64> attributes {nanochat.check_grad} {
  %h = nanochat.collapse_streams %x streams = 3 mean : tensor<3x6xf64>
  return %h : tensor<3x2xf64>
}
func.func @mix(%x: tensor<3x10xf64>, %pre: tensor<3x2xf64>) -> tensor<3x5xf64> attributes {nanochat.check_grad} {
  %y = nanochat.mix_streams %x, %pre : tensor<3x10xf64>, tensor<3x2xf64>
  return %y : tensor<3x5xf64>
}
func.func @update(%x: tensor<3x6xf64>, %res: tensor<3x9xf64>, %post: tensor<3x3xf64>, %y: tensor<3x2xf64>) -> tensor<3x6xf64> attributes {nanochat.check_grad} {
  %o = nanochat.update_streams %x, %res, %post, %y : tensor<3x6xf64>, tensor<3x9xf64>, tensor<3x3xf64>, tensor<3x2xf64>
  return %o : tensor<3x6xf64>
}
func.func @sinkhorn(%x: tensor<3x6xf64>, %b: tensor<15xf64>, %phi: tensor<15x6xf64>, %alpha: tensor<3xf64>) -> (tensor<3x3xf64>, tensor<3x3xf64>, tensor<3x9xf64>) attributes {nanochat.check_grad} {
  %pre, %post, %res = nanochat.hyper_coefficients sinkhorn %x, %b phi %phi, %alpha streams = 3 : tensor<3x6xf64>, tensor<15xf64>, tensor<15x6xf64>, tensor<3xf64>
  return %pre, %post, %res : tensor<3x3xf64>, tensor<3x3xf64>, tensor<3x9xf64>
}
// Far from its limit.
func.func @two_iterations(%x: tensor<2x4xf64>, %b: tensor<24xf64>) -> (tensor<2x4xf64>, tensor<2x4xf64>, tensor<2x16xf64>) attributes {nanochat.check_grad} {
  %pre, %post, %res = nanochat.hyper_coefficients sinkhorn %x, %b streams = 4 iterations = 2 : tensor<2x4xf64>, tensor<24xf64>
  return %pre, %post, %res : tensor<2x4xf64>, tensor<2x4xf64>, tensor<2x16xf64>
}
func.func @permutations(%x: tensor<3x6xf64>, %b: tensor<12xf64>, %phi: tensor<12x6xf64>, %alpha: tensor<3xf64>) -> (tensor<3x3xf64>, tensor<3x3xf64>, tensor<3x9xf64>) attributes {nanochat.check_grad} {
  %pre, %post, %res = nanochat.hyper_coefficients permutation %x, %b phi %phi, %alpha streams = 3 : tensor<3x6xf64>, tensor<12xf64>, tensor<12x6xf64>, tensor<3xf64>
  return %pre, %post, %res : tensor<3x3xf64>, tensor<3x3xf64>, tensor<3x9xf64>
}
func.func @none(%x: tensor<3x4xf64>, %b: tensor<8xf64>, %phi: tensor<8x4xf64>, %alpha: tensor<3xf64>) -> (tensor<3x2xf64>, tensor<3x2xf64>, tensor<3x4xf64>) attributes {nanochat.check_grad} {
  %pre, %post, %res = nanochat.hyper_coefficients none %x, %b phi %phi, %alpha streams = 2 : tensor<3x4xf64>, tensor<8xf64>, tensor<8x4xf64>, tensor<3xf64>
  return %pre, %post, %res : tensor<3x2xf64>, tensor<3x2xf64>, tensor<3x4xf64>
}
