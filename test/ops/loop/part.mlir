// A loop over some elements of a stack.
// RUN: nanochat-opt %s --nanochat-check-numeric
func.func @a_part_of_a_stack() -> (tensor<2xf32>, tensor<2xf32>, tensor<2x2xf32>, tensor<2x2xf32>) {
  %x = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %stack = arith.constant dense<[[9.0, 9.0], [1.0, 1.0], [2.0, 3.0], [9.0, 9.0]]> : tensor<4x2xf32>
  %y, %before = nanochat.loop "sum" = 2 from 1 carry(%c = %x : tensor<2xf32>) slice(%s = %stack : tensor<4x2xf32>) reverse {
    %z = arith.addf %c, %s : tensor<2xf32>
    nanochat.yield %z : tensor<2xf32> stack %c : tensor<2xf32>
  }
  %e = arith.constant dense<[4.0, 6.0]> : tensor<2xf32>
  %eb = arith.constant dense<[[3.0, 5.0], [1.0, 2.0]]> : tensor<2x2xf32>
  return %y, %e, %before, %eb : tensor<2xf32>, tensor<2xf32>, tensor<2x2xf32>, tensor<2x2xf32>
}
