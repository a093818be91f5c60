// RUN: nanochat-opt %s -split-input-file -verify-diagnostics
func.func @strides(%i: index) { // slot-c1
  // expected-error @+1 {{has 1 indices but 2 strides}}
  %y = nanochat.slot workspace at 0[%i] * [512, 8] : memref<16x8xf32>
  return
}

// -----

func.func @shape() { // slot-c2
  // expected-error @+1 {{needs a static shape, found 'memref<?xf32>'}}
  %y = nanochat.slot workspace at 0[] * [] : memref<?xf32>
  return
}

// -----

func.func @unknown() { // launch-c1
  %x = nanochat.slot workspace at 0[] * [] : memref<4xf32>
  // expected-error @+1 {{runs @gem, which is no function with 'nanochat.kernel'}}
  nanochat.launch @gem(%x) : memref<4xf32>
  return
}

// -----

func.func private @no_kernel(tensor<4xf32>) -> tensor<4xf32>
func.func @other() { // launch-c1
  %x = nanochat.slot workspace at 0[] * [] : memref<4xf32>
  // expected-error @+1 {{runs @no_kernel, which is no function with 'nanochat.kernel'}}
  nanochat.launch @no_kernel(%x, %x) : memref<4xf32>, memref<4xf32>
  return
}

// -----

// expected-note @+1 {{the kernel is here}}
func.func private @kernel(tensor<4xf32>) -> tensor<4xf32> attributes {nanochat.kernel = #nanochat.kernel<pointwise>}
func.func @count() { // launch-c2
  %x = nanochat.slot workspace at 0[] * [] : memref<4xf32>
  // expected-error @+1 {{gives @kernel 1 buffers; it takes 2}}
  nanochat.launch @kernel(%x) : memref<4xf32>
  return
}

// -----

// expected-note @+1 {{the kernel is here}}
func.func private @kernel(tensor<4xf32>) -> tensor<4xf32> attributes {nanochat.kernel = #nanochat.kernel<pointwise>}
func.func @type() { // launch-c3
  %x = nanochat.slot workspace at 0[] * [] : memref<4xf32>
  %y = nanochat.slot workspace at 64[] * [] : memref<4xbf16>
  // expected-error @+1 {{gives @kernel as buffer 1 'memref<4xbf16>'; it takes 'tensor<4xf32>'}}
  nanochat.launch @kernel(%x, %y) : memref<4xf32>, memref<4xbf16>
  return
}

// -----

// expected-note @+1 {{the kernel is here}}
func.func private @kernel(memref<4xf32>, memref<4xf32>, index, memref<64xi8>) attributes {nanochat.kernel = #nanochat.kernel<pointwise, inplace = [-1], tasks = 1, scratch = 64>}
func.func @shape() { // launch-c3
  %x = nanochat.slot workspace at 0[] * [] : memref<2x2xf32>
  // expected-error @+1 {{gives @kernel as buffer 0 'memref<2x2xf32>'; it takes 'memref<4xf32>'}}
  nanochat.launch @kernel(%x, %x) : memref<2x2xf32>, memref<2x2xf32>
  return
}
