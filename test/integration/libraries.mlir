// A compiled program needs the C and C++ libraries and nothing else.
// RUN: nanochat-opt %S/../Inputs/dense.mlir --target=native --emit=exe -o %t.exe
// RUN: ldd %t.exe | FileCheck %s
// CHECK-NOT: {{LLVM|MLIR|python|blas|gomp|cuda}}
// CHECK: libc.so
