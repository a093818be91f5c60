// Dense linears in four-bit floats, one whose own product is and one whose gradients are, against an oracle in NumPy.
// REQUIRES: numpy
// DEFINE: %{format} = mxfp4
// DEFINE: %{check} = sed s/mxfp4/%{format}/ %S/../Inputs/fp4-dense.mlir > %t.mlir && nanochat-opt %t.mlir --target=native --emit=exe -o %t.exe && \
// DEFINE:   %t.exe train --copy-task --steps 0 --eval-every 0 --save-init %t.w && %t.exe grad --init %t.w --batch %t.bin --out %t.g && \
// DEFINE:   %python-numpy %S/fp4_dense.py %t.w %t.bin %t.g %{format}
// RUN: %python %S/make_batch.py 256 96 %t.bin
// RUN: %{check}
// REDEFINE: %{format} = nvfp4
// RUN: %{check}
