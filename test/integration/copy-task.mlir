// A ternary LoopLM learns to copy: below 0.1 nat per token on the second half, where the first half
// is random. Attention, the integer linears, their gradients and Muon must all work for that.
// RUN: nanochat-opt %S/../../models/copy-tiny.mlir --target=native --emit=exe -o %t.exe
// RUN: %t.exe train --copy-task --steps 600 --seed 1 --lr 0.004 --log %t.jsonl --save %t.copies
// RUN: grep val_copy_nll %t.jsonl | tail -n 1 | sed 's/.*"val_copy_nll": *\([0-9.e-]*\).*/\1/' | awk '{ exit !($1 < 0.1) }'

// Stage II: the loss of the gate falls, and nothing but the gate changes.
// RUN: %t.exe train --phase=gate --copy-task --init %t.copies --steps 60 --seed 1 --log %t.gate --save %t.gated
// RUN: sed 's/.*"loss": *\([0-9.e-]*\).*/\1/' %t.gate | awk 'NR == 1 { first = $1 } NR == 60 { exit !($1 < 0.8 * first) }'
// RUN: %python %S/changed.py %t.copies %t.gated | FileCheck %s
// CHECK: changed: exit.b exit.w
// CHECK-NEXT: same bits: embed layers.down layers.gate layers.k layers.norm1 layers.norm2
// RUN: not %t.exe train --phase=wrong --copy-task 2>&1 | FileCheck %s --check-prefix=PHASE
// PHASE: error: model 'copy_tiny' has no phase 'wrong'
// PHASE-NEXT: note: it trains in the phases gate, train
