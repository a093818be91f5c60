// RUN: nanochat-opt %S/../Inputs/dense.mlir --target=x86-64-v3 --stop-after=describe | FileCheck %s
// RUN: nanochat-opt %S/../Inputs/dense.mlir --target=sm_90 --stop-after=describe | FileCheck %s --check-prefix=GPU
// RUN: nanochat-opt %s --split-input-file --verify-diagnostics --nanochat-set-target=target=x86-64-v3 --nanochat-describe-program
// RUN: not nanochat-opt %S/../ops/kernel/program.mlir --nanochat-describe-program 2>&1 | FileCheck %s --check-prefix=NONE

// The program's op has become a constant of runtime/Abi.h.
// CHECK-NOT: nanochat.program
// CHECK: llvm.mlir.addressof @[[KERNEL:[a-z]+_[x0-9_]+]].info
// CHECK: llvm.mlir.global internal constant @[[KERNEL]].info() {{.*}} : !llvm.struct<(ptr, ptr, ptr, i64, i32, ptr, i64, ptr)> {
// CHECK: func.constant @[[KERNEL]].run : (!llvm.ptr, i64, !llvm.ptr) -> ()
// CHECK: llvm.mlir.global external constant @"nc_program.x86-64-v3"()
// CHECK: func.constant @train.gradients : (!llvm.ptr, !llvm.ptr) -> ()

// What instructions its code needs: those of the row's CPU, and those that its facts have emitters make use of.
// RUN: nanochat-opt %S/../ops/kernel/program.mlir --nanochat-set-target=target=x86-64-v3 --nanochat-describe-program | FileCheck %s --check-prefix=CPU --implicit-check-not=avxvnni
// RUN: nanochat-opt %S/../ops/kernel/program.mlir --nanochat-set-target=target=x86-64-v3:vnni=true --nanochat-describe-program | FileCheck %s --check-prefix=VNNI
// CPU: constant @nc_data{{.*}}("{{.*}}avx2,{{.*}}fma,
// VNNI: avx2,{{.*}}avxvnni,
// NONE: error: has no target: it is nanochat.target of the module

// Kernels of a GPU are described by their code for it.
// GPU: llvm.mlir.addressof @[[KERNEL:[a-z]+_[x0-9_]+]].info
// GPU: llvm.mlir.global internal constant @[[KERNEL]].info()
// GPU: llvm.mlir.addressof @[[KERNEL]].run

// What the runtime has no number for is not passed off as f32.
nanochat.program "m" attributes {arenas = array<i64: 64, 0, 0, 0, 0, 0>} {
  // expected-error @+2 {{parameter w has elements of type 'f16', for which the runtime has no number}}
  // expected-note @+1 {{it knows those of NC_DTYPES in runtime/Abi.h}}
  nanochat.tensor <parameter, "w"> in param at 0 : tensor<4xf16>
}

// -----

nanochat.program "m" {}
// expected-error @+2 {{operand 1 of kernel @k has elements of type 'f8E5M2', for which the runtime has no number}}
// expected-note @+1 {{it knows}}
func.func private @k(%x: memref<4xf32>, %y: memref<4xf8E5M2>, %task: index, %scratch: memref<1xi8>)
    attributes {nanochat.kernel = #nanochat.kernel<pointwise, inplace = [-1], tasks = 1>} {
  return
}
func.func @k.run(%buffers: !llvm.ptr, %task: i64, %scratch: !llvm.ptr) {
  return
}

// -----

// expected-error @+2 {{the module holds no nanochat.program to describe}}
// expected-note @+1 {{--nanochat-plan-memory makes one}}
module {}
