// RUN: nanochat-opt %s --nanochat-check-numeric
// RUN: nanochat-opt %s --nanochat-check-grad

func.func @sigmoid_is_the_logistic_function() -> (tensor<4xf32>, tensor<4xf32>)
    attributes {nanochat.tolerance = 1.0e-6 : f64} {
  %x = arith.constant dense<[-2.0, -0.5, 0.0, 3.0]> : tensor<4xf32>
  %y = nanochat.sigmoid %x : tensor<4xf32>
  %e = arith.constant dense<[0.11920292, 0.37754067, 0.5, 0.95257413]> : tensor<4xf32>
  return %y, %e : tensor<4xf32>, tensor<4xf32>
}

func.func @sigmoid_and_silu_are_finite_far_out()
    -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
    attributes {nanochat.tolerance = 1.0e-6 : f64} {
  %x = arith.constant dense<[-1.0e4, -200.0, 200.0, 1.0e4]> : tensor<4xf32>
  %s = nanochat.sigmoid %x : tensor<4xf32>
  %y = nanochat.silu %x : tensor<4xf32>
  %es = arith.constant dense<[0.0, 0.0, 1.0, 1.0]> : tensor<4xf32>
  %ey = arith.constant dense<[0.0, 0.0, 200.0, 1.0e4]> : tensor<4xf32>
  return %s, %es, %y, %ey : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

func.func @silu_is_x_sigmoid_x() -> (tensor<2x2xf32>, tensor<2x2xf32>)
    attributes {nanochat.tolerance = 1.0e-6 : f64} {
  %x = arith.constant dense<[[-2.0, -0.5], [0.0, 3.0]]> : tensor<2x2xf32>
  %y = nanochat.silu %x : tensor<2x2xf32>
  %e = arith.constant dense<[[-0.23840584, -0.18877033], [0.0, 2.85772238]]> : tensor<2x2xf32>
  return %y, %e : tensor<2x2xf32>, tensor<2x2xf32>
}

func.func @gelu_is_gpt2s_by_default() -> (tensor<4xf32>, tensor<4xf32>)
    attributes {nanochat.tolerance = 1.0e-6 : f64} {
  %x = arith.constant dense<[-2.0, -0.5, 0.0, 3.0]> : tensor<4xf32>
  %y = nanochat.gelu %x : tensor<4xf32>
  %e = arith.constant dense<[-0.04540231, -0.15428599, 0.0, 2.99636261]> : tensor<4xf32>
  return %y, %e : tensor<4xf32>, tensor<4xf32>
}

func.func @gelu_without_approximation_uses_erf() -> (tensor<4xf64>, tensor<4xf64>)
    attributes {nanochat.tolerance = 1.0e-12 : f64} {
  %x = arith.constant dense<[-2.0, -0.5, 0.0, 3.0]> : tensor<4xf64>
  %y = nanochat.gelu %x {approximate = "none"} : tensor<4xf64>
  %e = arith.constant dense<[-0.04550026389635842, -0.15426876936299344, 0.0, 2.99595030590511]> : tensor<4xf64>
  return %y, %e : tensor<4xf64>, tensor<4xf64>
}

func.func @relu2_squares_what_is_positive() -> (tensor<4xf32>, tensor<4xf32>)
    attributes {nanochat.tolerance = 0.0 : f64} {
  %x = arith.constant dense<[-2.0, -0.5, 0.0, 3.0]> : tensor<4xf32>
  %y = nanochat.relu2 %x : tensor<4xf32>
  %e = arith.constant dense<[0.0, 0.0, 0.0, 9.0]> : tensor<4xf32>
  return %y, %e : tensor<4xf32>, tensor<4xf32>
}

func.func @gates_multiply_up()
    -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
    attributes {nanochat.tolerance = 1.0e-6 : f64} {
  %gate = arith.constant dense<[-2.0, -0.5, 0.0, 3.0]> : tensor<4xf32>
  %up = arith.constant dense<[2.0, -1.0, 5.0, 0.5]> : tensor<4xf32>
  %s = nanochat.swiglu %gate, %up : tensor<4xf32>
  %r = nanochat.relu2_glu %gate, %up : tensor<4xf32>
  %es = arith.constant dense<[-0.47681169, 0.18877033, 0.0, 1.42886119]> : tensor<4xf32>
  %er = arith.constant dense<[0.0, 0.0, 0.0, 4.5]> : tensor<4xf32>
  return %s, %es, %r, %er : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

func.func @sigmoid_has_its_gradient(%x: tensor<3x5xf64>) -> tensor<3x5xf64>
    attributes {nanochat.check_grad} {
  %y = nanochat.sigmoid %x : tensor<3x5xf64>
  return %y : tensor<3x5xf64>
}
func.func @silu_has_its_gradient(%x: tensor<3x5xf64>) -> tensor<3x5xf64>
    attributes {nanochat.check_grad} {
  %y = nanochat.silu %x : tensor<3x5xf64>
  return %y : tensor<3x5xf64>
}
func.func @relu2_has_its_gradient(%x: tensor<3x5xf64>) -> tensor<3x5xf64>
    attributes {nanochat.check_grad} {
  %y = nanochat.relu2 %x : tensor<3x5xf64>
  return %y : tensor<3x5xf64>
}
func.func @gelu_has_its_gradient(%x: tensor<3x5xf64>) -> tensor<3x5xf64>
    attributes {nanochat.check_grad} {
  %y = nanochat.gelu %x : tensor<3x5xf64>
  return %y : tensor<3x5xf64>
}
func.func @gelu_by_erf_has_its_gradient(%x: tensor<3x5xf64>) -> tensor<3x5xf64>
    attributes {nanochat.check_grad} {
  %y = nanochat.gelu %x {approximate = "none"} : tensor<3x5xf64>
  return %y : tensor<3x5xf64>
}
func.func @swiglu_has_its_gradients(%gate: tensor<3x5xf64>, %up: tensor<3x5xf64>) -> tensor<3x5xf64>
    attributes {nanochat.check_grad} {
  %y = nanochat.swiglu %gate, %up : tensor<3x5xf64>
  return %y : tensor<3x5xf64>
}
func.func @relu2_glu_has_its_gradients(%gate: tensor<3x5xf64>, %up: tensor<3x5xf64>) -> tensor<3x5xf64>
    attributes {nanochat.check_grad} {
  %y = nanochat.relu2_glu %gate, %up : tensor<3x5xf64>
  return %y : tensor<3x5xf64>
}
