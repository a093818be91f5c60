// What is kept is no matter of results: parameters after five steps are the same bits whatever loops recompute and whenever codes are made, all
// eighteen combinations, with two micro-batches and gradients of integers.
// RUN: mkdir -p %t && %python %S/recompute_options.py nanochat-opt %models/looplm.mlir %t
