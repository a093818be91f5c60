// RUN: nanochat-opt %s --nanochat-set-target="target=reference numerics=backward=f32,head=f32,dense=f32,attention=f32,floats=f64" --nanochat-widen-floats | FileCheck %s
// RUN: nanochat-opt %s --nanochat-set-target=target=reference --nanochat-widen-floats | FileCheck %s --check-prefix=NARROW
// NARROW: tensor<2xf32>

// CHECK-LABEL: func.func @types_constants_and_conversions
// CHECK-SAME: (%[[X:.*]]: tensor<2xf64>, %[[N:.*]]: tensor<2xi8>) -> tensor<2xf64>
func.func @types_constants_and_conversions(%x: tensor<2xf32>, %n: tensor<2xi8>) -> tensor<2xf32> {
  // The value is that of the float: 0.1 is not the nearest double.
  // CHECK: arith.constant dense<0.10000000149011612> : tensor<2xf64>
  %c = arith.constant dense<0.1> : tensor<2xf32>
  // CHECK: arith.sitofp %[[N]] : tensor<2xi8> to tensor<2xf64>
  %f = arith.sitofp %n : tensor<2xi8> to tensor<2xf32>
  // CHECK: arith.mulf %[[X]]
  %y = arith.mulf %x, %c : tensor<2xf32>
  // CHECK-NOT: arith.extf
  // CHECK-NOT: arith.truncf
  %wide = arith.extf %y : tensor<2xf32> to tensor<2xf64>
  %narrow = arith.truncf %wide : tensor<2xf64> to tensor<2xf32>
  %z = arith.addf %narrow, %f : tensor<2xf32>
  return %z : tensor<2xf32>
}
