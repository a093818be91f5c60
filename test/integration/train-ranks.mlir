// Several ranks, one program: `train --ranks`.
// RUN: rm -rf %t && mkdir %t && %python %S/train-ranks.py nanochat-opt %models/copy-tiny.mlir %t
