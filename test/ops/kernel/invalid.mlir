// RUN: nanochat-opt %s -split-input-file -verify-diagnostics
func.func @strides(%i: index) { // slot-c1
  // expected-error @+1 {{has 1 indices but 2 strides}}
  %y = nanochat.slot workspace at 0[%i] * [512, 8] : memref<16x8xf32>
  return
}

// -----

func.func @shape() { // slot-c2
  // expected-error @+1 {{needs a static shape, found 'memref<?xf32>'}}
  %y = nanochat.slot workspace at 0[] * [] : memref<?xf32>
  return
}
