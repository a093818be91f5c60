// Sums of products stay in registers, on every row; and the runtime leaves arithmetic to generated code.
// RUN: nanochat-opt %models/looplm.mlir --target=x86-64-v3 --emit=asm -o %t.s && %python %S/check_loops.py %t.s 20
// RUN: nanochat-opt %models/looplm.mlir --target=avx-vnni --emit=asm -o %t.s && %python %S/check_loops.py %t.s 20
// RUN: nanochat-opt %models/looplm.mlir --target=x86-64-v4 --emit=asm -o %t.s && %python %S/check_loops.py %t.s 20
// RUN: nanochat-opt %models/looplm.mlir --target=avx512-vnni --backward=f32 --emit=asm -o %t.s && %python %S/check_loops.py %t.s 20
// RUN: nanochat-opt %models/gpt2-124m.mlir --target=avx512-bf16 --dense=bf16 --emit=asm -o %t.s && %python %S/check_loops.py %t.s 20

// All vector multiplications of the runtime are of two files: one measures what the machine can do, one hashes.
// RUN: llvm-objdump -d %build/runtime/libnanochat_runtime.a > %t.dump
// RUN: awk '/file format/ { file = $1 } /\tv?(mulp[sd]|pmul[a-z]+|pmadd[a-z]+|p?dp[a-z0-9]+|fn?m(add|sub)[0-9]+p[sd])\t/ { print file }' %t.dump | sort -u | FileCheck %s
// CHECK: Files.cpp.o
// CHECK-NEXT: PeakFlops.cpp.o
// CHECK-NOT: .o
