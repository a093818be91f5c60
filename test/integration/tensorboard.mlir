// Events as a reader of protocol buffers that is not ours sees them.
// REQUIRES: protoc
// RUN: nanochat-opt %S/../Inputs/dense.mlir --target=native --emit=exe -o %t.exe
// RUN: rm -rf %t.tb && %t.exe train --copy-task --steps 2 --eval-every 0 --tensorboard %t.tb
// RUN: %python %S/tfrecords.py %t.tb | FileCheck %s
// CHECK: 3: "brain.Event:2"
// CHECK: 1: "loss"
// CHECK: 1: "grad_norm"
// CHECK: 2: 1
// CHECK: 1: "tok_s"
