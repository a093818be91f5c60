// RUN: echo "module {}" | nanochat-opt --nanochat-check-contracts="tests=%S/../ops"
// RUN: mkdir -p %t && echo "// RUN: nanochat-opt %%s | nanochat-opt" > %t/none.mlir
// RUN: not nanochat-opt %s --nanochat-check-contracts="tests=%t" 2>&1 | FileCheck %s
// RUN: not nanochat-opt %s --nanochat-check-contracts="tests=%t/absent" 2>&1 | FileCheck %s --check-prefix=ABSENT

// Without tests every op is reported, and each lacks the kinds it owes: sum_rows verifies nothing
// of its own, and a yield computes nothing.
// CHECK-DAG: op 'nanochat.linear' lacks a roundtrip test; an invalid test; a numeric test
// CHECK-DAG: op 'nanochat.sum_rows' lacks a roundtrip test; a numeric test
// CHECK-DAG: op 'nanochat.yield' lacks a roundtrip test{{$}}

// ABSENT: tests: '{{.*}}absent': No such file or directory
module {}
