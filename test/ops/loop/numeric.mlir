// RUN: nanochat-opt %s --nanochat-check-numeric
// RUN: nanochat-opt %s --canonicalize --nanochat-check-numeric
// RUN: nanochat-opt %s --nanochat-check-grad

func.func @carries_pass_on_and_stacks_collect() -> (tensor<2xf32>, tensor<2xf32>, tensor<3x2xf32>, tensor<3x2xf32>) {
  %x = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %stack = arith.constant dense<[[1.0, 1.0], [2.0, 3.0], [4.0, 5.0]]> : tensor<3x2xf32>
  %y, %before = nanochat.loop "sum" = 3 carry(%c = %x : tensor<2xf32>) slice(%s = %stack : tensor<3x2xf32>) {
    %z = arith.addf %c, %s : tensor<2xf32>
    nanochat.yield %z : tensor<2xf32> stack %c : tensor<2xf32>
  }
  %e = arith.constant dense<[8.0, 11.0]> : tensor<2xf32>
  %eb = arith.constant dense<[[1.0, 2.0], [2.0, 3.0], [4.0, 6.0]]> : tensor<3x2xf32>
  return %y, %e, %before, %eb : tensor<2xf32>, tensor<2xf32>, tensor<3x2xf32>, tensor<3x2xf32>
}

func.func @reverse_runs_down_and_keeps_indices() -> (tensor<2xf32>, tensor<2xf32>, tensor<3x2xf32>, tensor<3x2xf32>) {
  %x = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %stack = arith.constant dense<[[1.0, 1.0], [2.0, 3.0], [4.0, 5.0]]> : tensor<3x2xf32>
  %y, %before = nanochat.loop "sum" = 3 carry(%c = %x : tensor<2xf32>) slice(%s = %stack : tensor<3x2xf32>) reverse {
    %z = arith.addf %c, %s : tensor<2xf32>
    nanochat.yield %z : tensor<2xf32> stack %c : tensor<2xf32>
  }
  %e = arith.constant dense<[8.0, 11.0]> : tensor<2xf32>
  %eb = arith.constant dense<[[7.0, 10.0], [5.0, 7.0], [1.0, 2.0]]> : tensor<3x2xf32>
  return %y, %e, %before, %eb : tensor<2xf32>, tensor<2xf32>, tensor<3x2xf32>, tensor<3x2xf32>
}

// %b never changes and %a becomes it; %dead reaches nothing.
func.func @unused_and_unchanged_carries_may_go() -> (tensor<2xf32>, tensor<2xf32>) {
  %x = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %two = arith.constant dense<2.0> : tensor<2xf32>
  %p, %q, %r = nanochat.loop "odd" = 3 carry(%a = %x : tensor<2xf32>, %b = %two : tensor<2xf32>, %dead = %x : tensor<2xf32>) {
    %d = arith.mulf %dead, %a : tensor<2xf32>
    nanochat.yield %b, %b, %d : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
  }
  %s = arith.addf %p, %q : tensor<2xf32>
  %e = arith.constant dense<4.0> : tensor<2xf32>
  return %s, %e : tensor<2xf32>, tensor<2xf32>
}

func.func @gradient_of_all_ways_in_and_out(%x: tensor<3xf32>, %stack: tensor<4x3xf32>, %shared: tensor<3xf32>)
    -> (tensor<3xf32>, tensor<4x3xf32>, tensor<3xf32>) attributes {nanochat.check_grad} {
  %y, %all = nanochat.loop "steps" = 4 carry(%c = %x : tensor<3xf32>) slice(%s = %stack : tensor<4x3xf32>) {
    %m = arith.mulf %c, %s : tensor<3xf32>
    %t = math.tanh %m : tensor<3xf32>
    %z = arith.addf %t, %shared : tensor<3xf32>
    %o = arith.mulf %z, %m : tensor<3xf32>
    nanochat.yield %z : tensor<3xf32> stack %o : tensor<3xf32>
  }
  %w = arith.mulf %y, %shared : tensor<3xf32>
  return %y, %all, %w : tensor<3xf32>, tensor<4x3xf32>, tensor<3xf32>
}

func.func @gradient_of_reverse_loop(%x: tensor<3xf32>, %stack: tensor<4x3xf32>) -> (tensor<3xf32>, tensor<4x3xf32>)
    attributes {nanochat.check_grad} {
  %y, %all = nanochat.loop "steps" = 4 carry(%c = %x : tensor<3xf32>) slice(%s = %stack : tensor<4x3xf32>) reverse {
    %m = arith.mulf %c, %s : tensor<3xf32>
    %t = math.tanh %m : tensor<3xf32>
    nanochat.yield %t : tensor<3xf32> stack %m : tensor<3xf32>
  }
  return %y, %all : tensor<3xf32>, tensor<4x3xf32>
}

// The inner loop slices what the outer one carries, uses its slice, and its stack is used outside both.
func.func @gradient_of_nested_loops(%x: tensor<2x3xf32>, %scales: tensor<3x3xf32>, %w: tensor<3xf32>)
    -> (tensor<2x3xf32>, tensor<3x2x3xf32>) attributes {nanochat.check_grad} {
  %zero = arith.constant dense<0.0> : tensor<3xf32>
  %y, %all = nanochat.loop "outer" = 3 carry(%h = %x : tensor<2x3xf32>) slice(%scale = %scales : tensor<3x3xf32>) {
    %last, %next = nanochat.loop "inner" = 2 carry(%c = %zero : tensor<3xf32>) slice(%s = %h : tensor<2x3xf32>) {
      %m = arith.mulf %s, %scale : tensor<3xf32>
      %t = math.tanh %m : tensor<3xf32>
      %a = arith.addf %c, %t : tensor<3xf32>
      %b = arith.mulf %a, %w : tensor<3xf32>
      nanochat.yield %a : tensor<3xf32> stack %b : tensor<3xf32>
    }
    nanochat.yield %next : tensor<2x3xf32> stack %h : tensor<2x3xf32>
  }
  return %y, %all : tensor<2x3xf32>, tensor<3x2x3xf32>
}

func.func @gradient_of_swapping_carries(%x: tensor<3xf32>, %y: tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>)
    attributes {nanochat.check_grad} {
  %p, %q = nanochat.loop "swap" = 3 carry(%a = %x : tensor<3xf32>, %b = %y : tensor<3xf32>) {
    %m = arith.mulf %a, %b : tensor<3xf32>
    %t = math.tanh %m : tensor<3xf32>
    nanochat.yield %b, %t : tensor<3xf32>, tensor<3xf32>
  }
  return %p, %q : tensor<3xf32>, tensor<3xf32>
}

func.func @runs_as_often_as_the_limit_allows() -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
  %x = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %none = arith.constant dense<0> : tensor<i32>
  %two = arith.constant dense<2> : tensor<i32>
  %many = arith.constant dense<9> : tensor<i32>
  %a = nanochat.loop "a" = 3 carry(%y = %x : tensor<2xf32>) limit(%none) {
    %z = arith.addf %y, %y : tensor<2xf32>
    nanochat.yield %z : tensor<2xf32>
  }
  %b = nanochat.loop "b" = 3 carry(%y = %x : tensor<2xf32>) limit(%two) {
    %z = arith.addf %y, %y : tensor<2xf32>
    nanochat.yield %z : tensor<2xf32>
  }
  %c = nanochat.loop "c" = 3 carry(%y = %x : tensor<2xf32>) limit(%many) {
    %z = arith.addf %y, %y : tensor<2xf32>
    nanochat.yield %z : tensor<2xf32>
  }
  %b_expected = arith.constant dense<[4.0, 8.0]> : tensor<2xf32>
  %c_expected = arith.constant dense<[8.0, 16.0]> : tensor<2xf32>
  return %a, %x, %b, %b_expected, %c, %c_expected : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
}
