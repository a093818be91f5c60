// RUN: nanochat-opt %s | nanochat-opt | FileCheck %s

// CHECK-LABEL: func.func @streams
func.func @streams(%h: tensor<5x3xf32>, %b: tensor<8xf32>, %l: tensor<6xf32>, %phi: tensor<8x6xf32>, %alpha: tensor<3xf32>) -> tensor<5x3xf32> {
  // CHECK: %[[X:.*]] = nanochat.copy_streams %{{.*}} streams = 2 : tensor<5x3xf32>
  %x = nanochat.copy_streams %h streams = 2 : tensor<5x3xf32>
  // CHECK: nanochat.hyper_coefficients sinkhorn %[[X]], %{{.*}} phi %{{.*}}, %{{.*}} streams = 2 : tensor<5x6xf32>, tensor<8xf32>, tensor<8x6xf32>, tensor<3xf32>
  %pre, %post, %res = nanochat.hyper_coefficients sinkhorn %x, %b phi %phi, %alpha streams = 2 : tensor<5x6xf32>, tensor<8xf32>, tensor<8x6xf32>, tensor<3xf32>
  // CHECK: nanochat.hyper_coefficients none %[[X]], %{{.*}} streams = 2 : tensor<5x6xf32>, tensor<8xf32>
  %q:3 = nanochat.hyper_coefficients none %x, %b streams = 2 : tensor<5x6xf32>, tensor<8xf32>
  // CHECK: nanochat.hyper_coefficients permutation %[[X]], %{{.*}} streams = 2 : tensor<5x6xf32>, tensor<6xf32>
  %p:3 = nanochat.hyper_coefficients permutation %x, %l streams = 2 : tensor<5x6xf32>, tensor<6xf32>
  // CHECK: nanochat.hyper_coefficients sinkhorn %{{.*}} streams = 2 iterations = 3 :
  %s:3 = nanochat.hyper_coefficients sinkhorn %x, %b streams = 2 iterations = 3 : tensor<5x6xf32>, tensor<8xf32>
  // CHECK: nanochat.mix_streams %[[X]], %{{.*}} : tensor<5x6xf32>, tensor<5x2xf32>
  %y = nanochat.mix_streams %x, %pre : tensor<5x6xf32>, tensor<5x2xf32>
  // CHECK: nanochat.update_streams %[[X]], %{{.*}}, %{{.*}}, %{{.*}} : tensor<5x6xf32>, tensor<5x4xf32>, tensor<5x2xf32>, tensor<5x3xf32>
  %z = nanochat.update_streams %x, %res, %post, %y : tensor<5x6xf32>, tensor<5x4xf32>, tensor<5x2xf32>, tensor<5x3xf32>
  // CHECK: nanochat.collapse_streams %{{.*}} streams = 2 : tensor<5x6xf32>
  %c = nanochat.collapse_streams %z streams = 2 : tensor<5x6xf32>
  // CHECK: nanochat.collapse_streams %{{.*}} streams = 2 mean : tensor<5x6xf32>
  %m = nanochat.collapse_streams %z streams = 2 mean : tensor<5x6xf32>
  return %m : tensor<5x3xf32>
}
