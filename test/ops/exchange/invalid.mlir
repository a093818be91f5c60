// RUN: nanochat-opt %s -split-input-file -verify-diagnostics
func.func @elements(%x: tensor<4xf32>) -> tensor<2x2xi32> { // exchange-c1
  // expected-error @+1 {{relates 'tensor<4xf32>' and 'tensor<2x2xi32>', which are to be of one element type and of known sizes}}
  %y = nanochat.exchange_start all_to_all %x lane 0 : tensor<4xf32> -> tensor<2x2xi32>
  %z = nanochat.exchange_done %y, %x : tensor<2x2xi32>, tensor<4xf32>
  return %z : tensor<2x2xi32>
}

// -----

func.func @rows(%x: tensor<5xf32>) -> tensor<2x2xf32> { // exchange-c2
  // expected-error @+1 {{puts 'tensor<5xf32>' into 'tensor<2x2xf32>', which has no row for the piece of each rank}}
  %y = nanochat.exchange_start all_to_all %x lane 0 : tensor<5xf32> -> tensor<2x2xf32>
  %z = nanochat.exchange_done %y, %x : tensor<2x2xf32>, tensor<5xf32>
  return %z : tensor<2x2xf32>
}

// -----

func.func @smaller(%x: tensor<5xf32>) -> tensor<4xf32> { // exchange-c3
  // expected-error @+1 {{gathers pieces 'tensor<5xf32>' into 'tensor<4xf32>', which is smaller than one}}
  %y = nanochat.exchange_start all_gather %x lane 0 : tensor<5xf32> -> tensor<4xf32>
  %z = nanochat.exchange_done %y, %x : tensor<4xf32>, tensor<5xf32>
  return %z : tensor<4xf32>
}

// -----

func.func @reshaped(%x: tensor<4xf32>) -> tensor<2x2xf32> { // exchange-c4
  // expected-error @+1 {{broadcasts 'tensor<4xf32>' as 'tensor<2x2xf32>'}}
  %y = nanochat.exchange_start broadcast %x lane 0 : tensor<4xf32> -> tensor<2x2xf32>
  %z = nanochat.exchange_done %y, %x : tensor<2x2xf32>, tensor<4xf32>
  return %z : tensor<2x2xf32>
}

// -----

func.func @over(%x: tensor<2xf32>, %old: tensor<2x2xf32>) -> tensor<4xf32> { // exchange-c5
  // expected-error @+1 {{puts 'tensor<4xf32>' over 'tensor<2x2xf32>'}}
  %y = nanochat.exchange_start all_gather %x lane 0 over %old : tensor<2xf32> over tensor<2x2xf32> -> tensor<4xf32>
  %z = nanochat.exchange_done %y, %x : tensor<4xf32>, tensor<2xf32>
  return %z : tensor<4xf32>
}

// -----

func.func @early(%x: tensor<2xf32>) -> tensor<4xf32> { // exchange-c6
  // expected-error @+1 {{has a result that something other than one exchange_done reads: it is not whole before}}
  %y = nanochat.exchange_start all_gather %x lane 0 : tensor<2xf32> -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

func.func @ahead(%x: tensor<2xf32>, %many: tensor<3x4xf32>) -> tensor<3x4xf32> { // exchange-c7
  %all = nanochat.loop "times" = 3 slice(%m = %many : tensor<3x4xf32>) {
    // expected-error @+1 {{goes ahead, and what it sends is no slice of the loop around}}
    %y = nanochat.exchange_start all_gather %x ahead lane 0 : tensor<2xf32> -> tensor<4xf32>
    %z = nanochat.exchange_done %y, %x : tensor<4xf32>, tensor<2xf32>
    nanochat.yield stack %z : tensor<4xf32>
  }
  return %all : tensor<3x4xf32>
}

// -----

func.func @apart(%x: tensor<2xf32>) -> tensor<4xf32> { // exchange-c8
  // expected-error @+1 {{has members 2 ranks apart, and does not say how many}}
  %y = "nanochat.exchange_start"(%x) {collective = 1 : i32, lane = 0 : i64, stride = 2 : i64} : (tensor<2xf32>) -> tensor<4xf32>
  %z = nanochat.exchange_done %y, %x : tensor<4xf32>, tensor<2xf32>
  return %z : tensor<4xf32>
}

// -----

func.func @nothing(%x: tensor<2xf32>) -> tensor<2xf32> { // done-c1
  // expected-error @+1 {{waits for what is not the result of an exchange_start}}
  %z = nanochat.exchange_done %x, %x : tensor<2xf32>, tensor<2xf32>
  return %z : tensor<2xf32>
}

// -----

func.func @other(%x: tensor<2xf32>, %other: tensor<2xf32>) -> tensor<4xf32> { // done-c2
  %y = nanochat.exchange_start all_gather %x lane 0 : tensor<2xf32> -> tensor<4xf32>
  // expected-error @+1 {{names another source than the exchange_start that it waits for}}
  %z = nanochat.exchange_done %y, %other : tensor<4xf32>, tensor<2xf32>
  return %z : tensor<4xf32>
}

// -----

func.func @lane(%x: tensor<2xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{attribute 'lane' failed to satisfy constraint}}
  %y = nanochat.exchange_start all_gather %x lane 32 : tensor<2xf32> -> tensor<4xf32>
  %z = nanochat.exchange_done %y, %x : tensor<4xf32>, tensor<2xf32>
  return %z : tensor<4xf32>
}

// -----

func.func @block(%x: tensor<2xf32>, %many: tensor<3x4xf32>) -> tensor<3x4xf32> { // done-c3
  %y = nanochat.exchange_start all_gather %x lane 0 : tensor<2xf32> -> tensor<4xf32>
  %all = nanochat.loop "times" = 3 slice(%m = %many : tensor<3x4xf32>) {
    // expected-error @+1 {{waits in another block than that in which the exchange starts}}
    %z = nanochat.exchange_done %y, %x : tensor<4xf32>, tensor<2xf32>
    nanochat.yield stack %z : tensor<4xf32>
  }
  return %all : tensor<3x4xf32>
}

// -----

func.func @bytes() { // start-c1
  %from = nanochat.slot workspace at 0[] * [] : memref<5xf32>
  %to = nanochat.slot workspace at 64[] * [] : memref<2x3xf32>
  // expected-error @+1 {{takes pieces of 12 of 24 bytes from 'memref<5xf32>' to 'memref<2x3xf32>', which have not as many}}
  nanochat.start all_to_all %from, %to lane 3 pieces 12 of 24 : memref<5xf32>, memref<2x3xf32>
  return
}
