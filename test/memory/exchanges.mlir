// Exchanges of an entry have lanes of their own and are among the ranks of the program; a gradient comes back to where it was.
// RUN: nanochat-opt %s -split-input-file -nanochat-plan-memory -verify-diagnostics
// RUN: nanochat-opt %models/copy-tiny.mlir --set batch=12 --ranks=2 --target=native --stop-after=plan | FileCheck %s
// CHECK-LABEL: func.func @train.gradients
// CHECK: %[[FROM:.*]] = nanochat.slot gradient at [[AT:[0-9]+]][] * [] : memref<256xf32>
// CHECK: nanochat.start all_to_all %[[FROM]], %{{.*}} lane 0 pieces 512 of 1024
// CHECK: nanochat.finish lane 0
// CHECK: %[[TO:.*]] = nanochat.slot gradient at [[AT]][] * [] : memref<256xf32>
// CHECK: nanochat.start all_gather %{{.*}}, %[[TO]] lane 28 pieces 512 of 1024
module {
  nanochat.program "lanes" attributes {sizes = {ranks = 2 : i64, ways = 2 : i64}} {
  }
  func.func @eval(%x: tensor<2xf32> {nanochat.bind = #nanochat.bind<parameter, "x">}) -> (tensor<4xf32> {nanochat.bind = #nanochat.bind<output, "y">}, tensor<4xf32> {nanochat.bind = #nanochat.bind<output, "z">})
      attributes {nanochat.entry = #nanochat.entry<eval>} {
    // expected-note @+1 {{this one}}
    %a = nanochat.exchange_start all_gather %x lane 0 : tensor<2xf32> -> tensor<4xf32>
    // expected-error @+1 {{takes lane 0, which has one under way}}
    %b = nanochat.exchange_start all_gather %x lane 0 : tensor<2xf32> -> tensor<4xf32>
    %y = nanochat.exchange_done %a, %x : tensor<4xf32>, tensor<2xf32>
    %z = nanochat.exchange_done %b, %x : tensor<4xf32>, tensor<2xf32>
    return %y, %z : tensor<4xf32>, tensor<4xf32>
  }
}

// -----

module {
  nanochat.program "ranks" attributes {sizes = {ranks = 2 : i64, ways = 2 : i64}} {
  }
  func.func @eval(%x: tensor<4xf32> {nanochat.bind = #nanochat.bind<parameter, "x">}) -> (tensor<3x2xf32> {nanochat.bind = #nanochat.bind<output, "y">})
      attributes {nanochat.entry = #nanochat.entry<eval>} {
    // expected-error @+1 {{has rows for 3 ranks, the program has 2}}
    %a = nanochat.exchange_start all_to_all %x lane 0 : tensor<4xf32> -> tensor<3x2xf32>
    %y = nanochat.exchange_done %a, %x : tensor<3x2xf32>, tensor<4xf32>
    return %y : tensor<3x2xf32>
  }
}

// -----

module {
  nanochat.program "groups" attributes {sizes = {ranks = 6 : i64, ways = 3 : i64, tensor = 2 : i64}} {
  }
  func.func @eval(%x: tensor<4xf32> {nanochat.bind = #nanochat.bind<parameter, "x">}) -> (tensor<3x2xf32> {nanochat.bind = #nanochat.bind<output, "y">})
      attributes {nanochat.entry = #nanochat.entry<eval>} {
    %a = nanochat.exchange_start all_to_all %x lane 0 members 3 by 2 : tensor<4xf32> -> tensor<3x2xf32>
    %y = nanochat.exchange_done %a, %x : tensor<3x2xf32>, tensor<4xf32>
    // expected-error @+1 {{has rows for 3 ranks, its groups have 2}}
    %b = nanochat.exchange_start all_to_all %x lane 0 members 2 : tensor<4xf32> -> tensor<3x2xf32>
    %z = nanochat.exchange_done %b, %x : tensor<3x2xf32>, tensor<4xf32>
    return %y : tensor<3x2xf32>
  }
}

// -----

module {
  nanochat.program "apart" attributes {sizes = {ranks = 6 : i64, ways = 3 : i64}} {
  }
  func.func @eval(%x: tensor<2xf32> {nanochat.bind = #nanochat.bind<parameter, "x">}) -> (tensor<4xf32> {nanochat.bind = #nanochat.bind<output, "y">})
      attributes {nanochat.entry = #nanochat.entry<eval>} {
    // expected-error @+1 {{is among 2 of 8 ranks, the program has 6}}
    %a = nanochat.exchange_start all_gather %x lane 0 members 2 by 4 : tensor<2xf32> -> tensor<4xf32>
    %y = nanochat.exchange_done %a, %x : tensor<4xf32>, tensor<2xf32>
    return %y : tensor<4xf32>
  }
}
