// RUN: nanochat-opt %models/copy-tiny.mlir --target=reference --stop-after=optimize > %t.mlir
// RUN: nanochat-opt %t.mlir --nanochat-record-step | FileCheck %s
// The hash is of what the program does: not of what is written down of it, but of every number in it.
// RUN: sed -n -e 's/.*ir_hash = "\([0-9a-f]*\)".*/\1/p' %t.mlir > %t.hash
// RUN: nanochat-opt %t.mlir --nanochat-record-step | grep -q -f %t.hash
// RUN: sed -e 's/target = "reference"/target = "other"/' %t.mlir | nanochat-opt --nanochat-record-step | grep -q -f %t.hash
// RUN: sed -e 's/cst = arith.constant dense<0.0/cst = arith.constant dense<2.0/' %t.mlir > %t.other.mlir
// RUN: not cmp %t.mlir %t.other.mlir
// RUN: nanochat-opt %t.other.mlir --nanochat-record-step | not grep -q -f %t.hash

// CHECK: nanochat.program "copy_tiny" attributes {flops_per_token = {{[1-9][0-9]*}} : i64, ir_hash = "{{[0-9a-f]+}}"
