// RUN: nanochat-opt %s --pass-pipeline="builtin.module(func.func(nanochat-sink-sums))" -split-input-file | FileCheck %s

// A sum from zero starts from what it is added to.
// CHECK-LABEL: func.func @start
// CHECK-SAME: (%[[X:.*]]: tensor<4xf32>, %[[S:.*]]: tensor<3x4xf32>)
func.func @start(%x: tensor<4xf32>, %s: tensor<3x4xf32>) -> tensor<4xf32> {
  %zero = arith.constant dense<0.0> : tensor<4xf32>
  // CHECK: %[[R:.*]] = nanochat.loop "l" = 3 carry(%{{.*}} = %[[X]] : tensor<4xf32>)
  %sum = nanochat.loop "l" = 3 carry(%a = %zero : tensor<4xf32>) slice(%e = %s : tensor<3x4xf32>) {
    %n = arith.addf %a, %e : tensor<4xf32>
    nanochat.yield %n : tensor<4xf32>
  }
  // CHECK: return %[[R]]
  %y = arith.addf %x, %sum : tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// Where something else is added first, the sum is taken out of its way.
// CHECK-LABEL: func.func @before
// CHECK-SAME: (%[[X:.*]]: tensor<4xf32>, %[[Y:.*]]: tensor<4xf32>, %[[S:.*]]: tensor<3x4xf32>)
func.func @before(%x: tensor<4xf32>, %y: tensor<4xf32>, %s: tensor<3x4xf32>) -> tensor<4xf32> {
  %zero = arith.constant dense<0.0> : tensor<4xf32>
  // CHECK: %[[R:.*]] = nanochat.loop "l" = 3 carry(%{{.*}} = %[[X]] : tensor<4xf32>)
  %sum = nanochat.loop "l" = 3 carry(%a = %zero : tensor<4xf32>) slice(%e = %s : tensor<3x4xf32>) {
    %n = arith.addf %a, %e : tensor<4xf32>
    nanochat.yield %n : tensor<4xf32>
  }
  // CHECK: %[[L:.*]] = arith.mulf %[[Y]], %[[Y]]
  // CHECK: %[[Z:.*]] = arith.addf %[[R]], %[[L]]
  // CHECK: return %[[Z]]
  %later = arith.mulf %y, %y : tensor<4xf32>
  %t = arith.addf %sum, %later : tensor<4xf32>
  %z = arith.addf %x, %t : tensor<4xf32>
  return %z : tensor<4xf32>
}

// -----

// A carried value that is not only a sum stays as it is.
// CHECK-LABEL: func.func @product
func.func @product(%x: tensor<4xf32>, %s: tensor<3x4xf32>) -> tensor<4xf32> {
  %zero = arith.constant dense<0.0> : tensor<4xf32>
  %p = nanochat.loop "l" = 3 carry(%a = %zero : tensor<4xf32>) slice(%e = %s : tensor<3x4xf32>) {
    %m = arith.mulf %a, %e : tensor<4xf32>
    %n = arith.addf %m, %e : tensor<4xf32>
    nanochat.yield %n : tensor<4xf32>
  }
  // CHECK: }
  // CHECK: arith.addf
  %y = arith.addf %x, %p : tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// A stack is added to slice by slice.
// CHECK-LABEL: func.func @stack
// CHECK-SAME: (%[[X:.*]]: tensor<3x4xf32>,
func.func @stack(%x: tensor<3x4xf32>, %s: tensor<3x4xf32>) -> tensor<3x4xf32> {
  // CHECK: %[[R:.*]] = nanochat.loop "l" = 3 slice(%[[E:.*]] = %{{.*}} : tensor<3x4xf32>, %[[T:.*]] = %[[X]] : tensor<3x4xf32>)
  // CHECK: %[[D:.*]] = arith.mulf %[[E]], %[[E]]
  // CHECK: arith.addf %[[T]], %[[D]]
  %q = nanochat.loop "l" = 3 slice(%e = %s : tensor<3x4xf32>) {
    %d = arith.mulf %e, %e : tensor<4xf32>
    nanochat.yield stack %d : tensor<4xf32>
  }
  // CHECK: return %[[R]]
  %y = arith.addf %x, %q : tensor<3x4xf32>
  return %y : tensor<3x4xf32>
}

// -----

// What a later loop would add up, scaled by an invariant, is added up where it is made.
// CHECK-LABEL: func.func @made
// CHECK-SAME: %[[S:.*]]: tensor<3x4xf32>, %[[F:.*]]: tensor<f32>
func.func @made(%s: tensor<3x4xf32>, %f: tensor<f32>) -> tensor<4xf32> {
  %zero = arith.constant dense<0.0> : tensor<4xf32>
  // CHECK: %[[R:.*]] = nanochat.loop "l" = 3 carry(%[[A:.*]] = %{{.*}} : tensor<4xf32>)
  // CHECK: %[[D:.*]] = arith.mulf
  // CHECK: %[[N:.*]] = arith.addf %[[A]], %[[D]]
  // CHECK: nanochat.yield %[[N]] : tensor<4xf32>
  %q = nanochat.loop "l" = 3 slice(%e = %s : tensor<3x4xf32>) {
    %d = arith.mulf %e, %e : tensor<4xf32>
    nanochat.yield stack %d : tensor<4xf32>
  }
  // CHECK-NOT: nanochat.loop
  // CHECK: %[[Y:.*]] = nanochat.scale %[[R]], %[[F]]
  %y = nanochat.loop "l" = 3 carry(%a = %zero : tensor<4xf32>) slice(%e = %q : tensor<3x4xf32>) reverse {
    %t = nanochat.scale %e, %f : tensor<4xf32>, tensor<f32>
    %n = arith.addf %a, %t : tensor<4xf32>
    nanochat.yield %n : tensor<4xf32>
  }
  // CHECK: return %[[Y]]
  return %y : tensor<4xf32>
}
