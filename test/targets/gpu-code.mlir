// PTX of all kernels of a model: ptxas takes them for every row, and none spills registers. See gpu-code-looplm.mlir, which takes as long.
// REQUIRES: ptxas
// RUN: %python %S/check_ptx.py nanochat-opt %ptxas %models/looplm.mlir
// RUN: %python %S/check_ptx.py nanochat-opt %ptxas %models/gpt2-124m.mlir
// RUN: %python %S/check_ptx.py nanochat-opt %ptxas %models/looplm.mlir --optimizer matrix=muon8 --optimizer embedding+norm=adamw8
