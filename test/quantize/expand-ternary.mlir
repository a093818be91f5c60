// RUN: nanochat-opt %s --nanochat-expand-ternary | FileCheck %s
// RUN: nanochat-opt %s --nanochat-set-target=target=x86-64-v3 --nanochat-expand-ternary | FileCheck %s --check-prefix=INTEGERS
// INTEGERS: nanochat.ternary_matmul {{.*}} backward <dx = int16, dw = int16>
// INTEGERS: nanochat.ternary_matmul {{.*}} backward <dx = f32, dw = f32>
// By chance: linears and heads are named by their parameters, what says how it is rounded stays so, and one address is made for each product.
// RUN: nanochat-opt %models/looplm.mlir --target=x86-64-v3 --backward=int8 --head=int8 --rounding=stochastic --stop-after=differentiate | FileCheck %s --check-prefix=CHANCE
// CHANCE-DAG: nanochat.random_address {{.*}} site "embed.head"
// CHANCE-DAG: nanochat.random_address {{.*}} site "layers.q.dx"
// CHANCE-DAG: nanochat.random_address {{.*}} site "layers.q.dw"
// CHANCE-DAG: nanochat.ternary_input_grad {{.*}} format int8 draws %
// CHANCE-DAG: nanochat.ternary_weight_grad {{.*}} format int8 draws %
// CHANCE-DAG: nanochat.linear_cross_entropy_with_grad {{.*}} backward <dx = int8, dw = int8, rounding = stochastic> draws %
// RUN: sed 's/ternary_linear %a, %wq group = group/& backward <dx = int8, dw = int8, rounding = nearest>/; s/ternary_linear %a, %wk group = group/& backward <dx = int8, dw = f32>/' %models/looplm.mlir > %t.mlir
// RUN: nanochat-opt %t.mlir --target=x86-64-v3 --rounding=stochastic --stop-after=quantize | FileCheck %s --check-prefix=OWN
// OWN: nanochat.ternary_matmul {{.*}} backward <dx = int8, dw = int8, rounding = nearest> :
// OWN: nanochat.ternary_matmul {{.*}} backward <dx = int8, dw = f32, rounding = stochastic> site "layers.k" :
// OWN: nanochat.ternary_matmul {{.*}} backward <dx = int16, dw = int16> :
// RUN: nanochat-opt %models/looplm.mlir --target=x86-64-v3 --backward=int8 --head=int8 --stop-after=quantize | FileCheck %s --check-prefix=AUTO
// AUTO: nanochat.ternary_matmul {{.*}} backward <dx = int8, dw = int8> :
// AUTO: nanochat.linear_cross_entropy {{.*}} backward <dx = int8, dw = int8, rounding = stochastic> site "embed" :
// RUN: nanochat-opt %models/looplm-fp4.mlir --target=x86-64-v3 --rounding=nearest --stop-after=quantize | FileCheck %s --check-prefix=REGION
// REGION: nanochat.ternary_matmul {{.*}} backward <dx = mxfp4, dw = mxfp4, rounding = nearest>
// RUN: nanochat-opt %models/looplm.mlir --target=x86-64-v3 --rounding=stochastic --stop-after=quantize -o /dev/null 2>&1 | FileCheck %s --check-prefix=NOTHING
// NOTHING: warning: rounding = stochastic rounds nothing: no gradient is in int8 or four-bit floats

// CHECK-LABEL: @linear_becomes_quantisers_and_product
// CHECK-SAME: (%[[X:.*]]: tensor<2x4xf32>, %[[W:.*]]: tensor<3x4xf32>)
func.func @linear_becomes_quantisers_and_product(%x: tensor<2x4xf32>, %w: tensor<3x4xf32>) -> tensor<2x3xf32> {
  // CHECK: %[[Q:.*]], %[[S:.*]] = nanochat.quantize_rows %[[X]]
  // CHECK: %[[T:.*]], %[[G:.*]] = nanochat.ternarize %[[W]] :
  // What was left to the target is explicit.
  // CHECK: %[[Y:.*]] = nanochat.ternary_matmul %[[Q]], %[[S]], %[[T]], %[[G]] backward <dx = f32, dw = f32> :
  // CHECK: return %[[Y]]
  %y = nanochat.ternary_linear %x, %w : tensor<2x4xf32>, tensor<3x4xf32>
  return %y : tensor<2x3xf32>
}

// CHECK-LABEL: @attributes_go_to_their_pieces_also_in_loops
func.func @attributes_go_to_their_pieces_also_in_loops(%x: tensor<2x4xf32>, %W: tensor<5x4x4xf32>) -> tensor<2x4xf32> {
  // CHECK: nanochat.loop "layers"
  // CHECK: nanochat.ternarize %{{.*}} group 2
  // CHECK: nanochat.ternary_matmul {{.*}} backward <dx = f32, dw = f32> : tensor<2x4xi8>, tensor<2xf32>, tensor<4x4xi8>, tensor<4x2xf32>
  // CHECK-NOT: ternary_linear
  %y = nanochat.loop "layers" = 5 carry(%h = %x : tensor<2x4xf32>) slice(%w = %W : tensor<5x4x4xf32>) {
    %z = nanochat.ternary_linear %h, %w group = 2 backward <dx = f32, dw = f32> : tensor<2x4xf32>, tensor<4x4xf32>
    nanochat.yield %z : tensor<2x4xf32>
  }
  return %y : tensor<2x4xf32>
}

// Two heads of one parameter draw numbers of their own; what is no parameter has no name.
// RUN: nanochat-opt %S/../Inputs/mtp.mlir --target=x86-64-v3 --head=int8 --rounding=stochastic --stop-after=quantize | FileCheck %s --check-prefix=HEADS
// HEADS: nanochat.linear_cross_entropy {{.*}} site "embed" :
// HEADS: nanochat.linear_cross_entropy {{.*}} site "embed.1" auxiliary :
// RUN: sed 's/linear_cross_entropy %%h, %%E, %%targets/linear_cross_entropy %%h, %%twice, %%targets/; s/  %%e = nanochat.embedding.*/&\n  %%twice = arith.addf %%E, %%E : !table/' %S/../Inputs/mtp.mlir > %t.mlir
// RUN: not nanochat-opt %t.mlir --target=x86-64-v3 --head=int8 --rounding=stochastic 2>&1 | FileCheck %s --check-prefix=NAMELESS
// NAMELESS: error: 'nanochat.linear_cross_entropy' op rounds gradients by chance, and its weights are no parameter
