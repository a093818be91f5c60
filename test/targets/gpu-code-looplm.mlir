// As gpu-code.mlir, which runs at the same time.
// REQUIRES: ptxas
// RUN: %python %S/check_ptx.py nanochat-opt %ptxas %models/looplm.mlir --preset=a
// RUN: %python %S/check_ptx.py nanochat-opt %ptxas %models/copy-tiny.mlir --set n_loops=3
