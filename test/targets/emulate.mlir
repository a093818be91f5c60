// What the emulator has for each instruction, and an error where it has none.
// RUN: nanochat-opt %s --nanochat-emulate --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: llvm.func @block
llvm.func @block(%shared: !llvm.ptr<3>, %global: !llvm.ptr<1>, %bytes: i32, %x: f32, %mask: i32, %lanes: i32) -> f32 {
  %clamp = llvm.mlir.constant(31 : i32) : i32
  // CHECK: llvm.call @nc_emu_tid() : () -> i32
  %tid = nvvm.read.ptx.sreg.tid.x : i32
  // CHECK: llvm.call @nc_emu_cp_async(%{{.*}}, %{{.*}}, %{{.*}}, %arg2) : (!llvm.ptr, !llvm.ptr, i32, i32) -> ()
  nvvm.cp.async.shared.global %shared, %global, 16, cache = cg, %bytes : !llvm.ptr<3>, !llvm.ptr<1>, i32
  // CHECK: llvm.call @nc_emu_cp_async_commit() : () -> ()
  nvvm.cp.async.commit.group
  // CHECK: llvm.call @nc_emu_cp_async_wait(%{{.*}}) : (i32) -> ()
  nvvm.cp.async.wait.group 2
  // CHECK: llvm.call @nc_emu_barrier() : () -> ()
  nvvm.barrier
  // CHECK: llvm.call @nc_emu_warp_sync(%arg4) : (i32) -> ()
  nvvm.bar.warp.sync %mask : i32
  // CHECK: llvm.call @nc_emu_ldmatrix
  %m = nvvm.ldmatrix %shared {num = 4 : i32, layout = #nvvm.mma_layout<col>, shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>, eltType = #nvvm.ld_st_matrix_elt_type<b16>} : (!llvm.ptr<3>) -> !llvm.struct<(i32, i32, i32, i32)>
  %a = llvm.extractvalue %m[0] : !llvm.struct<(i32, i32, i32, i32)>
  // CHECK: llvm.call @nc_emu_mma
  %d = nvvm.mma.sync A[%a, %a, %a, %a] B[%a, %a] C[%x, %x, %x, %x] {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>,
    multiplicandAPtxType = #nvvm.mma_type<bf16>, multiplicandBPtxType = #nvvm.mma_type<bf16>, shape = #nvvm.shape<m = 16, n = 8, k = 16>} : (i32, i32, f32) -> !llvm.struct<(f32, f32, f32, f32)>
  %sum = llvm.extractvalue %d[1] : !llvm.struct<(f32, f32, f32, f32)>
  // CHECK: llvm.call @nc_emu_shfl_bfly
  %other = nvvm.shfl.sync bfly %mask, %sum, %lanes, %clamp : f32 -> f32
  // CHECK: llvm.call @nc_emu_exp2(%{{.*}}) : (f32) -> f32
  %e = llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz.f"(%other) : (f32) -> f32
  // CHECK-NOT: nvvm.
  llvm.return %e : f32
}

// -----

llvm.func @unknown() {
  // expected-error @below {{'nvvm.griddepcontrol' cannot be emulated}}
  nvvm.griddepcontrol wait
  llvm.return
}
