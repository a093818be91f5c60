// RUN: nanochat-opt %s -split-input-file -verify-diagnostics

func.func @slices(%stack: tensor<4x2xf32>) { // loop-c1
  // expected-error @+1 {{runs 3 times, but slice operand 0 has type 'tensor<4x2xf32>'; its leading dimension must be 3}}
  %all = nanochat.loop "layers" = 3 slice(%s = %stack : tensor<4x2xf32>) {
    nanochat.yield stack %s : tensor<2xf32>
  }
  return
}

// -----

func.func @part(%stack: tensor<4x2xf32>) { // loop-c1
  // expected-error @+1 {{runs 3 times, but slice operand 0 has type 'tensor<4x2xf32>'; its leading dimension must be at least 5}}
  %all = nanochat.loop "layers" = 3 from 2 slice(%s = %stack : tensor<4x2xf32>) {
    nanochat.yield stack %s : tensor<2xf32>
  }
  return
}

// -----

func.func @arguments(%x: tensor<2xf32>) { // loop-c2
  // expected-error @+1 {{has 0 block arguments, expected 1}}
  %y = "nanochat.loop"(%x) <{loop_name = "layers", count = 3 : i64, operandSegmentSizes = array<i32: 1, 0, 0>}> ({
    "nanochat.yield"(%x) <{operandSegmentSizes = array<i32: 1, 0>}> : (tensor<2xf32>) -> ()
  }) : (tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @yields(%x: tensor<2xf32>) { // loop-c3
  %y = nanochat.loop "layers" = 3 carry(%c = %x : tensor<2xf32>) {
    // expected-error @+1 {{yields 2 values, expected 1, one per carried value}}
    nanochat.yield %c, %c : tensor<2xf32>, tensor<2xf32>
  }
  return
}

// -----

func.func @results(%x: tensor<2xf32>) { // loop-c4
  // expected-error @+1 {{has 2 results, expected 1}}
  %y:2 = "nanochat.loop"(%x) <{loop_name = "layers", count = 3 : i64, operandSegmentSizes = array<i32: 1, 0, 0>}> ({
  ^bb0(%c: tensor<2xf32>):
    "nanochat.yield"(%c) <{operandSegmentSizes = array<i32: 1, 0>}> : (tensor<2xf32>) -> ()
  }) : (tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>)
  return
}

// -----

func.func @carries(%x: tensor<2xf32>, %z: tensor<3xf32>) { // loop-c5
  %y = nanochat.loop "layers" = 3 carry(%c = %x : tensor<2xf32>) {
    // expected-error @+1 {{yields 'tensor<3xf32>' for carried value 0, expected 'tensor<2xf32>'}}
    nanochat.yield %z : tensor<3xf32>
  }
  return
}

// -----

func.func @slice_arguments(%stack: tensor<3x2xf32>) { // loop-c6
  // expected-error @+1 {{slice argument has type 'tensor<3xf32>', expected 'tensor<2xf32>'}}
  %y = "nanochat.loop"(%stack) <{loop_name = "layers", count = 3 : i64, operandSegmentSizes = array<i32: 0, 1, 0>}> ({
  ^bb0(%c: tensor<3xf32>):
    "nanochat.yield"(%c) <{operandSegmentSizes = array<i32: 0, 1>}> : (tensor<3xf32>) -> ()
  }) : (tensor<3x2xf32>) -> tensor<3x3xf32>
  return
}

// -----

func.func @stacks(%stack: tensor<3x2xf32>) { // loop-c7
  // expected-error @+1 {{stack result has type 'tensor<2x2xf32>', expected 'tensor<3x2xf32>'}}
  %y = "nanochat.loop"(%stack) <{loop_name = "layers", count = 3 : i64, operandSegmentSizes = array<i32: 0, 1, 0>}> ({
  ^bb0(%c: tensor<2xf32>):
    "nanochat.yield"(%c) <{operandSegmentSizes = array<i32: 0, 1>}> : (tensor<2xf32>) -> ()
  }) : (tensor<3x2xf32>) -> tensor<2x2xf32>
  return
}

// -----

func.func @stack_of_unknown_length(%x: tensor<2xf32>, %n: tensor<i32>) { // loop-c8
  // expected-error @+1 {{has a limit: it may not run to its end, so it carries values forward and neither slices nor stacks any}}
  %0 = nanochat.loop "l" = 3 limit(%n) {
    nanochat.yield stack %x : tensor<2xf32>
  }
  return
}

// -----

func.func @policy(%x: tensor<2xf32>) { // loop-c9
  // expected-error @+1 {{has the unknown recompute policy 'all'; expected nothing, cheap or body}}
  %0 = nanochat.loop "l" = 3 carry(%y = %x : tensor<2xf32>) recompute(all) {
    nanochat.yield %y : tensor<2xf32>
  }
  return
}
