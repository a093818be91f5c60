// Dense linears in four-bit floats, one whose own product is and one whose gradients are, against an oracle in NumPy.
// REQUIRES: numpy
// DEFINE: %{format} = mxfp4
// DEFINE: %{check} = sed s/mxfp4/%{format}/ %S/../Inputs/fp4-dense.mlir > %t.mlir && nanochat-opt %t.mlir --target=native --emit=exe -o %t.exe && \
// DEFINE:   %t.exe train --copy-task --steps 0 --eval-every 0 --save-init %t.w && %t.exe grad --init %t.w --batch %t.bin --out %t.g && \
// DEFINE:   %python-numpy %S/fp4_dense.py %t.w %t.bin %t.g %{format}
// RUN: %python-numpy %S/../ops/fp4/dense_oracle.py
// RUN: %python %S/make_batch.py 256 96 %t.bin
// RUN: %{check}
// REDEFINE: %{format} = nvfp4
// RUN: %{check}

// They are named after their parameters, and draw random numbers by that name.
// RUN: sed 's/rounding = nearest//' %S/../Inputs/fp4-dense.mlir > %t.mlir && nanochat-opt %t.mlir --target=native --stop-after=quantize | FileCheck %s
// CHECK: nanochat.linear {{.*}} backward <dx = mxfp4, dw = f32> forward mxfp4 site "a"
// CHECK: nanochat.linear {{.*}} backward <dx = mxfp4, dw = mxfp4> site "b"
// RUN: nanochat-opt %t.mlir --target=sm_120 --plan | FileCheck %s --check-prefix=PLAN
// PLAN: products of four-bit floats, and bytes of their codes and scales
// PLAN-DAG: a.y 19,584 native: mma.sync with block_scale
// PLAN-DAG: b.dw 19,584 native: mma.sync with block_scale
// RUN: nanochat-opt %t.mlir --target=sm_90 --plan | FileCheck %s --check-prefix=OTHERS
// OTHERS: a.dx 42,240 emulated: bf16 mma
