// Results whose terms cancel, of which rounding alone is left: gradients of two ranks in bases of sixteen, and attention over one
// token, whose gradient of scores is nothing. They pass by what rounding can do to their operands; a wrong one does not.
// DEFINE: %{options} = --target=native --set batch=1,seq=2 --optimizer matrix=gum:rank=16
// DEFINE: %{record} = rm -rf %t.d && nanochat-opt %S/../Inputs/looped.mlir %{options} --emit=exe -o %t.exe && \
// DEFINE:   %t.exe train --data %S/../Inputs --ext mlir --eval-every 0 --steps 1 --dump-dispatches %t.d
// DEFINE: %{check} = nanochat-opt %S/../Inputs/looped.mlir %{options} --check-dispatches=%t.d
// RUN: %{record} && %{check} | FileCheck %s
// CHECK: , 0 errors
// CHECK: that cancel to rounding

// What is left of G − P·Pᵀ·G, and a thousandth that rounding does not explain.
// RUN: %python %S/change_record.py %t.d "*.gemm_16x16_*.safetensors" out0 1e-3
// RUN: not %{check} 2>&1 | FileCheck %s --check-prefix=WRONG
// WRONG: error: kernel 'gemm_16x16_{{[0-9]+}}', call {{[0-9]+}}: result 0 is wrong at [0, 0]

// REDEFINE: %{options} = --target=native --set batch=2,seq=1
// RUN: %{record} && %{check} | FileCheck %s --check-prefix=TOKEN
// TOKEN: , 0 errors
// TOKEN: attention {{.*}} that cancel to rounding
// RUN: rm -rf %t.d
