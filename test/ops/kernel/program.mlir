// RUN: nanochat-opt %s | nanochat-opt | FileCheck %s
// CHECK: nanochat.program "looplm" attributes {arenas = array<i64: 512, 0, 512, 128, 64, 0>, ir_hash = "0a", sizes = {batch = 2 : i64}, target = "x86-64-v3", vocab = 16 : i64} {
nanochat.program "looplm" attributes {arenas = array<i64: 512, 0, 512, 128, 64, 0>, sizes = {batch = 2 : i64}, target = "x86-64-v3", vocab = 16 : i64, ir_hash = "0a"} {
  // CHECK: nanochat.tensor <parameter, "embed", role = "embedding"> in param at 0 : tensor<16x8xf32>
  nanochat.tensor <parameter, "embed", role = "embedding"> in param at 0 : tensor<16x8xf32>
  // CHECK: nanochat.tensor <output, "loss"> in io at 0 : tensor<f32>
  nanochat.tensor <output, "loss"> in io at 0 : tensor<f32>
  // CHECK: nanochat.temporary @eval at 64 bytes 64 alive 4 to 9 for saved : tensor<16xf32>
  nanochat.temporary @eval at 64 bytes 64 alive 4 to 9 for saved : tensor<16xf32>
}
func.func private @eval() attributes {nanochat.entry = #nanochat.entry<eval uses [0, 1]>}
