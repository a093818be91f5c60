// RUN: nanochat-opt %s --nanochat-set-target=target=h100 | nanochat-opt | FileCheck %s
// CHECK: module attributes {nanochat.numerics = #nanochat.numerics<backward = f32, head = f32, dense = bf16, attention = bf16, floats = f32>, nanochat.target = #nanochat.target<"sm_90">}

// Facts that differ from the row's are spelled out, others are not.
// RUN: nanochat-opt %s --nanochat-set-target=target=x86-64-v3:vnni=true:bf16=false:l2_bytes=1048576 | nanochat-opt | FileCheck %s --check-prefix=FACTS
// FACTS: numerics<backward = int16, head = f32, dense = f32, attention = f32, floats = f32>, nanochat.target = #nanochat.target<"x86-64-v3:vnni=true:l2_bytes=1048576">
// RUN: nanochat-opt %s --nanochat-set-target="target=reference numerics=backward=f32,head=f32,dense=bf16,attention=f32,floats=f64" | FileCheck %s --check-prefix=NUMERICS
// NUMERICS: numerics<backward = f32, head = f32, dense = bf16, attention = f32, floats = f64>, nanochat.target = #nanochat.target<"reference">

// The best row for this machine, and its very CPU.
// RUN: env -u NANOCHAT_NATIVE nanochat-opt %s --nanochat-set-target=target=native | nanochat-opt | FileCheck %s --check-prefix=THIS
// THIS: nanochat.target = #nanochat.target<"{{[a-z0-9-]+}}:cpu=native">

// RUN: nanochat-opt %s --nanochat-set-target="target=x86-64-v3 numerics=backward=int8,head=int8,rounding=stochastic,dense=f32,attention=f32,floats=f32" | FileCheck %s --check-prefix=CHANCE
// CHANCE: numerics<backward = int8, head = int8, rounding = stochastic, dense = f32, attention = f32, floats = f32>

// What is no row, fact, value or rounding is an error at the module.
// RUN: not nanochat-opt %s --nanochat-set-target=target=sm_91 2>&1 | FileCheck %s --check-prefix=ROW
// ROW: set-target.mlir:[[# @LINE + 26]]:1: error: 'sm_91' is no target; targets are native, cpu, avx512-bf16
// RUN: not nanochat-opt %s --nanochat-set-target=target=x86-64-v3:l2=1 2>&1 | FileCheck %s --check-prefix=FACT
// FACT: error: 'l2' is no fact of x86-64-v3; facts are fuses, plain, {{.*}}l2_bytes
// RUN: not nanochat-opt %s --nanochat-set-target=target=sm_90:vnni=true 2>&1 | FileCheck %s --check-prefix=OTHER
// OTHER: error: 'vnni' is no fact of sm_90; facts are fuses, plain, {{.*}}gemm_tile
// RUN: not nanochat-opt %s --nanochat-set-target=target=x86-64-v3:cpu=i9 2>&1 | FileCheck %s --check-prefix=CPU
// CPU: error: 'x86-64-v3:cpu=i9' has an impossible fact; cpu: expected a name that LLVM has for one, or native
// RUN: not nanochat-opt %s --nanochat-set-target=target=x86-64-v3:vnni=yes 2>&1 | FileCheck %s --check-prefix=WORD
// WORD: error: vnni = 'yes': expected true or false
// RUN: not nanochat-opt %s --nanochat-set-target=target=sm_90:multiprocessors=0 2>&1 | FileCheck %s --check-prefix=NUMBER
// RUN: not nanochat-opt %s --nanochat-set-target=target=sm_90:multiprocessors=9223372036854775807 2>&1 | FileCheck %s --check-prefix=NUMBER
// NUMBER: error: multiprocessors = '{{0|9223372036854775807}}': expected a number from 1 to 2^40
// RUN: not nanochat-opt %s --nanochat-set-target=target=sm_90:mma=bf16+fp4 2>&1 | FileCheck %s --check-prefix=MMA
// RUN: not nanochat-opt %s --nanochat-set-target=target=sm_90:mma=bf16+int16 2>&1 | FileCheck %s --check-prefix=MMA
// MMA: error: 'sm_90:mma=bf16+{{fp4|int16}}' has an impossible fact; mma: expected names of formats that mma.sync knows
// RUN: not nanochat-opt %s --nanochat-set-target="target=sm_90 numerics=backward=bf16,head=f32,dense=f32,attention=f32,floats=f32" 2>&1 | FileCheck %s --check-prefix=ROUNDING
// ROUNDING: error: {{.*}}one of: f32, int16, int8
// RUN: not nanochat-opt %s --nanochat-set-target="target=x86-64-v3 numerics=backward=f32,head=int16,dense=f32,attention=f32,floats=f32" 2>&1 | FileCheck %s --check-prefix=HEAD
// HEAD: error: head = int16 is not known: it is f32 or int8

// A pass that needs a target says so, and where there is one; options of those that check come first.
// RUN: not nanochat-opt %s --nanochat-emit-kernels 2>&1 | FileCheck %s --check-prefix=NONE
// NONE: error: has no target: it is nanochat.target of the module
// NONE: note: --nanochat-set-target=target=sm_90 sets it
// RUN: not nanochat-opt %s --nanochat-set-target=target=sm_90 --nanochat-check-kernels=target=sm_91 2>&1 | FileCheck %s --check-prefix=OWN
// OWN: error: 'sm_91' is no target
module {
  // RUN: nanochat-opt %s --nanochat-set-target=target=x86-64-v3 --nanochat-emit-kernels | FileCheck %s --check-prefix=SHORT
  // RUN: nanochat-opt %s --nanochat-set-target=target=x86-64-v3:l2_bytes=1048576 --nanochat-emit-kernels | FileCheck %s --check-prefix=LONG
  // Two blocks of scores of a long sequence fit half the second-level cache, or one does.
  // SHORT: memref<2112x16xf32>
  // LONG: memref<2112x32xf32>
  func.func private @attention(%x: tensor<2112x8xf32>) -> tensor<2112x8xf32> attributes {nanochat.kernel = #nanochat.kernel<attention, inplace = [-1]>} {
    %y, %lse = nanochat.attention %x, %x, %x heads = 1 kv_heads = 1 seq = 2112 : tensor<2112x8xf32>, tensor<2112x8xf32>, tensor<2112x8xf32>
    return %y : tensor<2112x8xf32>
  }
}
