// A ternary LoopLM learns to copy: below 0.1 nat per token on the second half, where the first half
// is random. Attention, the integer linears, their gradients and Muon must all work for that.
// RUN: nanochat-opt %S/../../models/copy-tiny.mlir --target=native --emit=exe -o %t.exe
// RUN: %t.exe train --copy-task --steps 600 --seed 1 --lr 0.004 --log %t.jsonl
// RUN: grep val_copy_nll %t.jsonl | tail -n 1 | sed 's/.*"val_copy_nll": *\([0-9.e-]*\).*/\1/' | awk '{ exit !($1 < 0.1) }'
