// PTX of all kernels of a model: ptxas takes them for every row, and none spills registers.
// REQUIRES: ptxas
// RUN: %python %S/check_ptx.py nanochat-opt %ptxas %models/looplm-a.mlir
// RUN: %python %S/check_ptx.py nanochat-opt %ptxas %models/looplm-tiny.mlir
// RUN: %python %S/check_ptx.py nanochat-opt %ptxas %models/gpt2-124m.mlir
// RUN: %python %S/check_ptx.py nanochat-opt %ptxas %models/copy-tiny.mlir --set n_loops=3
// RUN: %python %S/check_ptx.py nanochat-opt %ptxas %models/looplm-tiny.mlir --optimizer matrix=muon8 --optimizer embedding+norm=adamw8
