// RUN: nanochat-opt %S/../Inputs/dense.mlir --target=native --stop-after=emit | nanochat-opt --nanochat-lower-host | FileCheck %s
// RUN: nanochat-opt %S/../Inputs/dense.mlir --target=native --stop-after=lower | FileCheck %s --check-prefix=SOURCE
// RUN: nanochat-opt %S/../Inputs/dense.mlir --target=sm_90 --stop-after=emit | nanochat-opt --nanochat-lower-host | FileCheck %s --check-prefix=GPU
// RUN: nanochat-opt %models/looplm.mlir --set accum=3 --target=sm_90 --stop-after=emit | nanochat-opt --nanochat-lower-host | FileCheck %s --check-prefix=BATCHES
// RUN: not nanochat-opt %s --nanochat-lower-host 2>&1 | FileCheck %s --check-prefix=NONE
// Where kernels run is the module's to say.
// GPU: llvm.func @nc_read
// GPU: llvm.func @{{.*}}.run({{.*}}nvvm.kernel
// And GPUs are told of micro-batches.
// BATCHES: func.func @train.gradients(%[[CONTEXT:.*]]: !llvm.ptr, %{{.*}}: !llvm.ptr)
// BATCHES: %[[COUNT:.*]] = llvm.mlir.constant(3 : i64) : i64
// BATCHES: scf.for %[[I:.*]] = %{{.*}} to %{{.*}} step
// BATCHES-NEXT: %[[NUMBER:.*]] = arith.index_cast %[[I]] : index to i64
// BATCHES-NEXT: llvm.call @nc_iterate(%[[CONTEXT]], %[[NUMBER]], %[[COUNT]])
// BATCHES: llvm.call @nc_iterate(%[[CONTEXT]], %[[COUNT]], %[[COUNT]])
// NONE: error: has no target: it is nanochat.target of the module

// Sizes are data: trip counts, offsets and strides are loaded.
// So is what a call is of, ops and places.
// SOURCE: llvm.mlir.global private constant @nc_source.{{[0-9]+}}("{{.*}}nanochat.linear at {{.*}}dense.mlir:{{[0-9]+}}:{{[0-9]+}}
// CHECK: llvm.mlir.global external hidden @nc_host_numbers(dense<
// CHECK: llvm.func @nc_dispatch(!llvm.ptr, !llvm.ptr, !llvm.ptr, !llvm.ptr)
// CHECK-LABEL: func.func @train.gradients(%{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr)
// CHECK: %[[TABLE:.*]] = llvm.mlir.addressof @nc_host_numbers
// CHECK: llvm.getelementptr %[[TABLE]]
// CHECK: llvm.mlir.addressof @{{.*}}.info
// CHECK: llvm.mlir.addressof @nc_source.{{[0-9]+}}
// CHECK: llvm.call @nc_dispatch
// CHECK: func.func @{{.*}}.run(%{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: !llvm.ptr)
