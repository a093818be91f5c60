// RUN: nanochat-opt %s --nanochat-expand-ternary --nanochat-hoist-invariants --cse | FileCheck %s

// The weights of each layer are ternarised once, not once per step.
// CHECK-LABEL: @layers_in_steps
// CHECK-SAME: (%[[X:.*]]: tensor<2x4xf32>, %[[W:.*]]: tensor<3x4x4xf32>)
func.func @layers_in_steps(%x: tensor<2x4xf32>, %W: tensor<3x4x4xf32>) -> tensor<2x4xf32> {
  // CHECK: %[[S:.*]]:2 = nanochat.loop "layers" = 3 slice(%[[A:.*]] = %[[W]] : tensor<3x4x4xf32>)
  // CHECK-NEXT: %[[T:.*]], %[[G:.*]] = nanochat.ternarize %[[A]]
  // CHECK-NEXT: nanochat.yield stack %[[T]], %[[G]] : tensor<4x4xi8>, tensor<f32>
  // CHECK: nanochat.loop "steps" = 4
  // CHECK: nanochat.loop "layers" = 3
  // CHECK-SAME: %[[TS:[^ ]*]] = %[[S]]#0 : tensor<3x4x4xi8>, %[[GS:[^ ]*]] = %[[S]]#1 : tensor<3xf32>
  // CHECK-NOT: ternarize
  // CHECK: nanochat.ternary_matmul %{{.*}}, %{{.*}}, %[[TS]], %[[GS]]
  // CHECK-NOT: ternarize
  %y = nanochat.loop "steps" = 4 carry(%a = %x : tensor<2x4xf32>) {
    %b = nanochat.loop "layers" = 3 carry(%h = %a : tensor<2x4xf32>) slice(%w = %W : tensor<3x4x4xf32>) {
      %z = nanochat.ternary_linear %h, %w : tensor<2x4xf32>, tensor<4x4xf32>
      nanochat.yield %z : tensor<2x4xf32>
    }
    nanochat.yield %b : tensor<2x4xf32>
  }
  return %y : tensor<2x4xf32>
}

// CHECK-LABEL: @accumulation_around_everything
// CHECK-COUNT-1: nanochat.ternarize
// CHECK-NOT: dequantize_weight
// CHECK: nanochat.loop "accum" = 2
// CHECK-NOT: ternarize
// What the codes stand for would be a stack as large as the weights: it is formed where it is read.
// CHECK: nanochat.dequantize_weight
// CHECK: return
func.func @accumulation_around_everything(%X: tensor<2x2x4xf32>, %W: tensor<3x4x4xf32>) -> tensor<2x2x4xf32> {
  %y = nanochat.loop "accum" = 2 slice(%x = %X : tensor<2x2x4xf32>) {
    %a = nanochat.loop "steps" = 4 carry(%s = %x : tensor<2x4xf32>) {
      %b = nanochat.loop "layers" = 3 carry(%h = %s : tensor<2x4xf32>) slice(%w = %W : tensor<3x4x4xf32>) {
        %t, %g = nanochat.ternarize %w : tensor<4x4xf32>
        %d = nanochat.dequantize_weight %t, %g : tensor<4x4xi8>, tensor<f32>
        %z = nanochat.linear %h, %d : tensor<2x4xf32>, tensor<4x4xf32>
        nanochat.yield %z : tensor<2x4xf32>
      }
      nanochat.yield %b : tensor<2x4xf32>
    }
    nanochat.yield stack %a : tensor<2x4xf32>
  }
  return %y : tensor<2x2x4xf32>
}

// A weight that all iterations share needs no stack; constants come along where they are needed.
// CHECK-LABEL: @shared_weights
// CHECK: %[[TWO:.*]] = arith.constant
// CHECK: %[[D:.*]] = arith.mulf %{{.*}}, %[[TWO]]
// CHECK: nanochat.ternarize %[[D]]
// CHECK-NEXT: nanochat.loop "layers" = 3
// CHECK-NEXT: arith.constant dense<3.0
// CHECK-NOT: ternarize
func.func @shared_weights(%x: tensor<4x4xf32>, %w: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %y = nanochat.loop "layers" = 3 carry(%h = %x : tensor<4x4xf32>) {
    %three = arith.constant dense<3.0> : tensor<4x4xf32>
    %two = arith.constant dense<2.0> : tensor<4x4xf32>
    %d = arith.mulf %w, %two : tensor<4x4xf32>
    %z = nanochat.ternary_linear %h, %d : tensor<4x4xf32>, tensor<4x4xf32>
    %r = arith.addf %z, %three : tensor<4x4xf32>
    nanochat.yield %r : tensor<4x4xf32>
  }
  return %y : tensor<4x4xf32>
}

// Two loops over the same weights, as of the forward and the backward pass, ternarise them once.
// CHECK-LABEL: @in_two_loops
// CHECK: nanochat.loop "layers" = 3 slice(%{{.*}} = %{{.*}} : tensor<3x4x4xf32>)
// CHECK-NEXT: nanochat.ternarize
// CHECK-NEXT: nanochat.yield
// CHECK-NOT: ternarize
// CHECK: nanochat.loop "layers" = 3 carry
// CHECK-NOT: ternarize
// CHECK: nanochat.loop "layers" = 3 carry
// CHECK-NOT: ternarize
// CHECK: return
func.func @in_two_loops(%x: tensor<2x4xf32>, %W: tensor<3x4x4xf32>) -> tensor<2x4xf32> {
  %y = nanochat.loop "layers" = 3 carry(%h = %x : tensor<2x4xf32>) slice(%w = %W : tensor<3x4x4xf32>) {
    %z = nanochat.ternary_linear %h, %w : tensor<2x4xf32>, tensor<4x4xf32>
    nanochat.yield %z : tensor<2x4xf32>
  }
  %g = nanochat.loop "layers" = 3 carry(%h = %y : tensor<2x4xf32>) slice(%w = %W : tensor<3x4x4xf32>) reverse {
    %t, %s = nanochat.ternarize %w : tensor<4x4xf32>
    %d = nanochat.dequantize_weight %t, %s : tensor<4x4xi8>, tensor<f32>
    %z = nanochat.linear %h, %d : tensor<2x4xf32>, tensor<4x4xf32>
    nanochat.yield %z : tensor<2x4xf32>
  }
  return %g : tensor<2x4xf32>
}

// Each slice is read once here: a loop of its own would only move memory.
// CHECK-LABEL: @no_enclosing_loop
// CHECK-NOT: ternarize
// CHECK: nanochat.loop
// CHECK: ternarize
func.func @no_enclosing_loop(%x: tensor<2x4xf32>, %W: tensor<3x4x4xf32>) -> tensor<2x4xf32> {
  %y = nanochat.loop "layers" = 3 carry(%h = %x : tensor<2x4xf32>) slice(%w = %W : tensor<3x4x4xf32>) {
    %z = nanochat.ternary_linear %h, %w : tensor<2x4xf32>, tensor<4x4xf32>
    nanochat.yield %z : tensor<2x4xf32>
  }
  return %y : tensor<2x4xf32>
}

// Weights that change from step to step are ternarised in every step.
// CHECK-LABEL: @weights_of_the_step
// CHECK-NOT: ternarize
// CHECK: nanochat.loop "steps"
// CHECK: nanochat.loop "layers"
// CHECK: ternarize
func.func @weights_of_the_step(%x: tensor<4x4xf32>, %W: tensor<2x3x4x4xf32>) -> tensor<4x4xf32> {
  %y = nanochat.loop "steps" = 2 carry(%a = %x : tensor<4x4xf32>) slice(%V = %W : tensor<2x3x4x4xf32>) {
    %b = nanochat.loop "layers" = 3 carry(%h = %a : tensor<4x4xf32>) slice(%w = %V : tensor<3x4x4xf32>) {
      %z = nanochat.ternary_linear %h, %w : tensor<4x4xf32>, tensor<4x4xf32>
      nanochat.yield %z : tensor<4x4xf32>
    }
    nanochat.yield %b : tensor<4x4xf32>
  }
  return %y : tensor<4x4xf32>
}
