// Losses of whole small models against central differences, quantisers frozen: a LoopLM with attention, gated unit and
// expected-exit loss, dense and ternary, both phases of the copy task, and three kinds of heads that predict further tokens.
// RUN: nanochat-opt %S/../Inputs/looped.mlir --nanochat-set-sizes=sizes=batch=1,n_loops=2 --nanochat-check-grad=summary -o /dev/null | FileCheck %s --check-prefix=ONE
// RUN: sed 's/nanochat.linear /nanochat.ternary_linear /' %S/../Inputs/looped.mlir > %t.mlir
// RUN: nanochat-opt %t.mlir --nanochat-set-sizes=sizes=batch=1,n_loops=2 --nanochat-expand-ternary --nanochat-check-grad=summary -o /dev/null | FileCheck %s --check-prefix=ONE
// RUN: nanochat-opt %models/copy-tiny.mlir --nanochat-set-sizes=sizes=batch=1,seq=12,layers=1 --nanochat-expand-ternary --nanochat-check-grad=summary -o /dev/null | FileCheck %s --check-prefix=TWO
// RUN: nanochat-opt %S/../Inputs/mtp-kinds.mlir --nanochat-check-grad=summary -o /dev/null | FileCheck %s --check-prefix=ONE
// ONE: 1 functions
// TWO: 2 functions
