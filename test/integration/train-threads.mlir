// A ternary LoopLM, compiled and trained: the same losses for 1, 2 and 4 threads, and no allocation in a step.
// REQUIRES: unsanitized
// RUN: nanochat-opt %S/../../models/copy-tiny.mlir --target=native --emit=exe -o %t.exe
// RUN: %t.exe train --copy-task --steps 12 --seed 3 --threads 1 --log %t.1 --save %t.w1 --count-allocations 2>&1 | FileCheck %s
// RUN: %t.exe train --copy-task --steps 12 --seed 3 --threads 2 --log %t.2 --save %t.w2
// RUN: %t.exe train --copy-task --steps 12 --seed 3 --threads 4 --log %t.4 --save %t.w4
// RUN: sed 's/, "tok_s.*//' %t.1 > %t.a && sed 's/, "tok_s.*//' %t.2 > %t.b && sed 's/, "tok_s.*//' %t.4 > %t.c
// RUN: cmp %t.a %t.b && cmp %t.a %t.c && cmp %t.w1 %t.w2 && cmp %t.w1 %t.w4
// CHECK: allocations in steps: 0
