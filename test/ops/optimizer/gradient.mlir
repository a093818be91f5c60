// RUN: nanochat-opt %s --nanochat-check-grad

func.func @scale(%x: tensor<2x3x2xf64>, %s: tensor<f64>) -> tensor<2x3x2xf64> attributes {nanochat.check_grad} {
  %y = nanochat.scale %x, %s : tensor<2x3x2xf64>, tensor<f64>
  return %y : tensor<2x3x2xf64>
}
