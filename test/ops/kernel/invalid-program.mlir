// RUN: nanochat-opt %s -split-input-file -verify-diagnostics
// expected-error @+1 {{has 2 arenas; expected one of each kind, 6}}
nanochat.program "m" attributes {arenas = array<i64: 1, 2>} {} // program-c1

// -----

// expected-error @+1 {{has the size "batch" = "two"; sizes are integers}}
nanochat.program "m" attributes {sizes = {batch = "two"}} {} // program-c2

// -----

// expected-note @+1 {{the first is here}}
nanochat.program "m" {}
// expected-error @+1 {{is the second one of its module}}
nanochat.program "n" {} // program-c3

// -----

nanochat.program "m" { // program-c4
  // expected-error @+1 {{is no part of a program: those are nanochat.tensor and nanochat.temporary}}
  %c = arith.constant 1 : i32
}

// -----

nanochat.program "m" attributes {arenas = array<i64: 64, 0, 0, 0, 0, 0>} { // program-c5
  // expected-error @+1 {{takes bytes 64 to 80 of arena param, which has 64}}
  nanochat.tensor <parameter, "w"> in param at 64 : tensor<4xf32>
}

// -----

nanochat.program "m" attributes {arenas = array<i64: 64, 0, 0, 0, 0, 0>} { // tensor-c1
  // expected-error @+1 {{is in arena io, but a tensor of kind parameter lies in param}}
  nanochat.tensor <parameter, "w"> in io at 0 : tensor<4xf32>
}

// -----

nanochat.program "m" attributes {arenas = array<i64: 0, 0, 0, 64, 0, 0>} { // temporary-c1
  // expected-error @+1 {{is alive from step 9 to 4; expected from 0 on, and to what comes later}}
  nanochat.temporary @eval at 0 bytes 64 alive 9 to 4 : tensor<4xf32>
}

// -----

nanochat.program "m" {} // program-c6
// expected-error @+1 {{uses tensor 0 of a program that has 0}}
func.func private @eval() attributes {nanochat.entry = #nanochat.entry<eval uses [0]>}

// -----

// expected-error @+1 {{products of four-bit floats}}
nanochat.program "m" attributes {fp4_products = [3 : i64]} {}

// -----

// expected-error @+1 {{duplicate or unknown struct parameter name: code}}
nanochat.program "m" attributes {fp4_products = [#nanochat.fp4_product<"w.dx", k = 32, code = 1, scales = 1, weights = 0>]} {}
