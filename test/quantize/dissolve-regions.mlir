// RUN: nanochat-opt %s --nanochat-dissolve-regions | FileCheck %s
// RUN: nanochat-opt %s --nanochat-set-target=target=x86-64-v3 --nanochat-dissolve-regions | FileCheck %s --check-prefix=OTHERS

// An inner region wins, and what a linear says itself; products that no region names are the target's.
// CHECK-LABEL: @regions
// CHECK-NOT: fp4_region
func.func @regions(%x: tensor<64x32xf32>, %w: tensor<32x32xf32>, %W: tensor<2x32x32xf32>) -> (tensor<64x32xf32>, tensor<64x32xf32>) {
  %y, %z = nanochat.fp4_region format = nvfp4 gemms = [dw] hadamard = 32 {
    // CHECK: %[[A:.*]] = nanochat.ternary_linear %{{.*}} backward <dx = f32, dw = nvfp4, hadamard = 32>
    // OTHERS: nanochat.ternary_linear %{{.*}} backward <dx = int16, dw = nvfp4, hadamard = 32>
    %a = nanochat.ternary_linear %x, %w : tensor<64x32xf32>, tensor<32x32xf32>
    // CHECK: nanochat.ternary_linear %[[A]], %{{.*}} backward <dx = mxfp4, dw = mxfp4, rounding = nearest, hadamard = 0, scale = up>
    %b = nanochat.fp4_region format = mxfp4 rounding = nearest hadamard = 0 scale = up {
      %c = nanochat.ternary_linear %a, %w : tensor<64x32xf32>, tensor<32x32xf32>
      nanochat.yield %c : tensor<64x32xf32>
    }
    // CHECK: nanochat.ternary_linear %{{.*}} backward <dx = int8, dw = f32>
    %d = nanochat.ternary_linear %b, %w backward <dx = int8, dw = f32> : tensor<64x32xf32>, tensor<32x32xf32>
    nanochat.yield %a, %d : tensor<64x32xf32>, tensor<64x32xf32>
  }
  // Linears of loops within are in the region.
  // CHECK: %[[E:.*]] = nanochat.loop
  // CHECK: backward <dx = mxfp4, dw = mxfp4>
  // CHECK: return %[[A]], %[[E]]
  %e = nanochat.fp4_region format = mxfp4 {
    %f = nanochat.loop "layers" = 2 carry(%h = %z : tensor<64x32xf32>) slice(%v = %W : tensor<2x32x32xf32>) {
      %g = nanochat.ternary_linear %h, %v : tensor<64x32xf32>, tensor<32x32xf32>
      nanochat.yield %g : tensor<64x32xf32>
    }
    nanochat.yield %f : tensor<64x32xf32>
  }
  return %y, %e : tensor<64x32xf32>, tensor<64x32xf32>
}

// Dense linears have floats for what no region names; the innermost region is theirs.
// CHECK-LABEL: @dense
func.func @dense(%x: tensor<64x32xf32>, %w: tensor<32x32xf32>) -> tensor<64x32xf32> {
  %y = nanochat.fp4_region format = mxfp4 gemms = [y, dw] dge = 3.0 occ = 0.5 {
    // CHECK: %[[A:.*]] = nanochat.linear %{{.*}} backward <dx = f32, dw = mxfp4> forward mxfp4 dge = 3.000000e+00 occ = 5.000000e-01 :
    // OTHERS: nanochat.linear %{{.*}} backward <dx = f32, dw = mxfp4> forward mxfp4
    %a = nanochat.linear %x, %w : tensor<64x32xf32>, tensor<32x32xf32>
    %b = nanochat.fp4_region format = nvfp4 rounding = nearest {
      // CHECK: %[[B:.*]] = nanochat.linear %[[A]], %{{.*}} backward <dx = nvfp4, dw = nvfp4, rounding = nearest> :
      %c = nanochat.linear %a, %w : tensor<64x32xf32>, tensor<32x32xf32>
      nanochat.yield %c : tensor<64x32xf32>
    }
    // CHECK: nanochat.linear %[[B]], %{{.*}} backward <dx = f32, dw = f32> :
    %d = nanochat.linear %b, %w backward <dx = f32, dw = f32> : tensor<64x32xf32>, tensor<32x32xf32>
    nanochat.yield %d : tensor<64x32xf32>
  }
  return %y : tensor<64x32xf32>
}

// Ternary linears may stand in a region with products y where they are another region's, or say what they are.
// CHECK-LABEL: @both
func.func @both(%x: tensor<64x32xf32>, %w: tensor<32x32xf32>) -> tensor<64x32xf32> {
  %y = nanochat.fp4_region format = mxfp4 gemms = [y] {
    // CHECK: nanochat.ternary_linear %{{.*}} backward <dx = nvfp4, dw = nvfp4>
    %a = nanochat.fp4_region format = nvfp4 {
      %b = nanochat.ternary_linear %x, %w : tensor<64x32xf32>, tensor<32x32xf32>
      nanochat.yield %b : tensor<64x32xf32>
    }
    // CHECK: nanochat.ternary_linear %{{.*}} backward <dx = int8, dw = int8>
    %c = nanochat.ternary_linear %a, %w backward <dx = int8, dw = int8> : tensor<64x32xf32>, tensor<32x32xf32>
    // CHECK: nanochat.linear %{{.*}} backward <dx = f32, dw = f32> forward mxfp4 :
    %d = nanochat.linear %c, %w : tensor<64x32xf32>, tensor<32x32xf32>
    nanochat.yield %d : tensor<64x32xf32>
  }
  return %y : tensor<64x32xf32>
}
