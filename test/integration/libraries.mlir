// A compiled program needs the C library and nothing else.
// REQUIRES: unsanitized
// RUN: nanochat-opt %S/../Inputs/dense.mlir --target=native --emit=exe -o %t.exe
// RUN: ldd %t.exe | FileCheck %s
// RUN: ldd %t.exe | not grep -vE 'linux-vdso|lib(c|m)\.so|ld-linux'
// CHECK: libc.so
