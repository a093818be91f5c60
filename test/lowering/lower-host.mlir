// RUN: nanochat-opt %S/../Inputs/dense.mlir --target=native --stop-after=emit | nanochat-opt --nanochat-lower-host | FileCheck %s

// CHECK: llvm.func @nc_dispatch(!llvm.ptr, !llvm.ptr, !llvm.ptr)
// CHECK-LABEL: func.func @train.gradients(%{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr)
// CHECK: llvm.mlir.addressof @{{.*}}.info
// CHECK: llvm.call @nc_dispatch
// CHECK: func.func @{{.*}}.run(%{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: !llvm.ptr)
