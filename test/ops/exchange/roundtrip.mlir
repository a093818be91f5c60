// RUN: nanochat-opt %s | nanochat-opt | FileCheck %s
// Exchanges keep their order and are not removed, whether results are read or not.
// RUN: nanochat-opt %s -canonicalize -cse | FileCheck %s
// CHECK-LABEL: func.func @exchange
func.func @exchange(%g: tensor<5xf32>, %sum: tensor<3xf32>) -> (tensor<5xf32>, tensor<2x3xf32>) {
  // CHECK: %[[Y:.*]] = nanochat.exchange_start all_to_all %[[G:.*]] lane 0 : tensor<5xf32> -> tensor<2x3xf32>
  %y = nanochat.exchange_start all_to_all %g lane 0 : tensor<5xf32> -> tensor<2x3xf32>
  // CHECK: nanochat.exchange_done %[[Y]], %[[G]] : tensor<2x3xf32>, tensor<5xf32>
  %z = nanochat.exchange_done %y, %g : tensor<2x3xf32>, tensor<5xf32>
  // CHECK: nanochat.exchange_start all_gather %{{.*}} lane 1 over %[[G]] : tensor<3xf32> over tensor<5xf32> -> tensor<5xf32>
  %a = nanochat.exchange_start all_gather %sum lane 1 over %g : tensor<3xf32> over tensor<5xf32> -> tensor<5xf32>
  // CHECK: nanochat.exchange_start broadcast
  %b = nanochat.exchange_start broadcast %sum lane 2 : tensor<3xf32> -> tensor<3xf32>
  %all = nanochat.exchange_done %a, %sum : tensor<5xf32>, tensor<3xf32>
  // CHECK: nanochat.exchange_done %{{.*}}, %{{.*}} : tensor<3xf32>, tensor<3xf32>
  %unused = nanochat.exchange_done %b, %sum : tensor<3xf32>, tensor<3xf32>
  // CHECK: nanochat.exchange_start all_gather %{{.*}} lane 3 members 2 by 4 : tensor<3xf32> -> tensor<6xf32>
  %c = nanochat.exchange_start all_gather %sum lane 3 members 2 by 4 : tensor<3xf32> -> tensor<6xf32>
  %apart = nanochat.exchange_done %c, %sum : tensor<6xf32>, tensor<3xf32>
  return %all, %z : tensor<5xf32>, tensor<2x3xf32>
}

// CHECK-LABEL: func.func @ahead
func.func @ahead(%parts: tensor<3x2xf32>) -> tensor<3x4xf32> {
  %all = nanochat.loop "layers" = 3 slice(%part = %parts : tensor<3x2xf32>) {
    // CHECK: nanochat.exchange_start all_gather %[[PART:.*]] ahead lane 5 : tensor<2xf32> -> tensor<4xf32>
    %y = nanochat.exchange_start all_gather %part ahead lane 5 : tensor<2xf32> -> tensor<4xf32>
    // CHECK: nanochat.exchange_done %{{.*}}, %[[PART]]
    %z = nanochat.exchange_done %y, %part : tensor<4xf32>, tensor<2xf32>
    nanochat.yield stack %z : tensor<4xf32>
  }
  return %all : tensor<3x4xf32>
}

// CHECK-LABEL: func.func @buffers
func.func @buffers() {
  %from = nanochat.slot workspace at 0[] * [] : memref<5xf32>
  %to = nanochat.slot workspace at 64[] * [] : memref<2x3xf32>
  // CHECK: nanochat.start all_to_all %{{.*}}, %{{.*}} lane 3 pieces 12 of 20 : memref<5xf32>, memref<2x3xf32>
  nanochat.start all_to_all %from, %to lane 3 pieces 12 of 20 : memref<5xf32>, memref<2x3xf32>
  // CHECK: nanochat.start all_to_all %{{.*}}, %{{.*}} lane 2 members 2 pieces 12 of 20 : memref<5xf32>, memref<2x3xf32>
  nanochat.start all_to_all %from, %to lane 2 members 2 pieces 12 of 20 : memref<5xf32>, memref<2x3xf32>
  // CHECK: nanochat.finish lane 3
  nanochat.finish lane 3
  return
}
