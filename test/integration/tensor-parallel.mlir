// Ranks that compute a batch together: `--tensor`.
// RUN: rm -rf %t && mkdir %t && %python %S/tensor-parallel.py nanochat-opt %models %S/../Inputs %t
