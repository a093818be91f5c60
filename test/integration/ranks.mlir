// Ranks find each other and exchange bytes: `comm`.
// RUN: nanochat-opt %models/copy-tiny.mlir --target=native --emit=exe -o %t
// RUN: %python %S/ranks.py %t
