// Several ranks, one program: `train --ranks`.
// RUN: rm -rf %t && mkdir %t && %python %S/train-ranks.py nanochat-opt %models/copy-tiny.mlir %S/../Inputs/odd-gradients.mlir %S/../Inputs/odd-layers.mlir %t
