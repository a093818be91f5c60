// RUN: nanochat-opt %s -split-input-file -verify-diagnostics

func.func @body(%x: tensor<4xf32>) { // dispatch-c1
  // expected-error @+1 {{must have either a body or the symbol of an outlined kernel}}
  %y = "nanochat.dispatch"(%x) <{kind = 0 : i32}> ({}) : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @inplace(%x: tensor<4xf32>) { // dispatch-c2
  // expected-error @+1 {{has 2 inplace entries for 1 results}}
  %y = nanochat.dispatch pointwise @k ins(%x : tensor<4xf32>) inplace [0, 0] -> (tensor<4xf32>)
  return
}

// -----

func.func @input(%x: tensor<4xf32>) { // dispatch-c3
  // expected-error @+1 {{inplace entry 1 is not an input; use -1 for none}}
  %y = nanochat.dispatch pointwise @k ins(%x : tensor<4xf32>) inplace [1] -> (tensor<4xf32>)
  return
}

// -----

func.func @arguments(%x: tensor<4xf32>) { // dispatch-c4
  // expected-error @+1 {{body arguments differ from the input types}}
  %y = "nanochat.dispatch"(%x) <{kind = 0 : i32}> ({
  ^bb0(%a: tensor<3xf32>):
    "nanochat.yield"(%a) <{operandSegmentSizes = array<i32: 1, 0>}> : (tensor<3xf32>) -> ()
  }) : (tensor<4xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @results(%x: tensor<4xf32>) { // dispatch-c5
  // expected-error @+1 {{body must yield exactly the result types}}
  %y = nanochat.dispatch pointwise ins(%a = %x : tensor<4xf32>) -> (tensor<3xf32>) {
    nanochat.yield %a : tensor<4xf32>
  }
  return
}
