// RUN: nanochat-opt %s -split-input-file -verify-diagnostics --nanochat-check-grad

// The per-token losses carry no gradient by definition, so differences must not agree.
// expected-error @+1 {{gradient of argument 0 along element [0, 0] is 0.000000e+00, but differences of the function give}}
func.func @missing_gradient_is_found(%h: tensor<2x3xf32>, %w: tensor<4x3xf32>, %targets: tensor<2xi32> {nanochat.bound = 4})
    -> tensor<2xf32> attributes {nanochat.check_grad} {
  %loss, %nll = nanochat.linear_cross_entropy %h, %w, %targets : tensor<2x3xf32>, tensor<4x3xf32>, tensor<2xi32>
  return %nll : tensor<2xf32>
}

// -----

// expected-error @+1 {{argument 0 of type 'tensor<2xi32>' needs {nanochat.bound = V : i64}}}
func.func @ids_need_a_bound(%tokens: tensor<2xi32>, %table: tensor<4x3xf32>) -> tensor<2x3xf32> attributes {nanochat.check_grad} {
  %x = nanochat.embedding %tokens, %table : tensor<2xi32>, tensor<4x3xf32>
  return %x : tensor<2x3xf32>
}

// -----

// expected-error @+1 {{'nanochat.range' is [low, high], not [1.000000e+00]}}
func.func @ranges_have_two_ends(%x: tensor<2xf32> {nanochat.range = [1.0]}) -> tensor<2xf32> attributes {nanochat.check_grad} {
  %y = math.sqrt %x : tensor<2xf32>
  return %y : tensor<2xf32>
}

// -----

func.func @op_without_rule_is_named(%x: tensor<2xf32>) -> tensor<2xf32> attributes {nanochat.check_grad} {
  // expected-error @+1 {{'math.floor' op has no gradient}}
  %y = math.floor %x : tensor<2xf32>
  return %y : tensor<2xf32>
}
