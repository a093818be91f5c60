// Where the time of a step goes, and gradients in the precision asked for.
// RUN: nanochat-opt %models/copy-tiny.mlir --target=avx512-vnni --stop-after=fuse | FileCheck %s --check-prefix=INT16
// RUN: nanochat-opt %models/copy-tiny.mlir --target=avx512-vnni --backward=f32 --stop-after=fuse | FileCheck %s --check-prefix=F32
// RUN: not nanochat-opt %models/copy-tiny.mlir --target=native --backward=i4 2>&1 | FileCheck %s --check-prefix=WORD
// RUN: nanochat-opt %models/copy-tiny.mlir --target=native --set batch=1 --emit=exe -o %t.exe
// RUN: %t.exe train --copy-task --steps 3 --eval-every 0 --profile | FileCheck %s
// INT16: xi16>
// F32-NOT: xi16>
// WORD: error: --backward=i4 is not known
// WORD-NEXT: note: it is auto, f32, int16, int8, mxfp4 or nvfp4
// CHECK: share ms calls Gop/s GB/s of kernel: what it computes
// CHECK: {{[0-9.]+}}% {{[0-9.]+}} {{[0-9]+}} {{[0-9.]+}} {{[0-9.]+}} {{int16|int8|f32}} {{gemm|rowwise|attention}}_{{.*}}: {{.*}}nanochat.{{.*}} at {{.*}}copy-tiny.mlir:
// CHECK: % {{[0-9.]+}} others
