// GPT-2 small at full width and depth: losses and gradients of one batch against PyTorch in f64. Two
// sequences of an odd length, so that no tile divides it.
// REQUIRES: torch
// RUN: nanochat-opt %S/../../models/gpt2-124m.mlir --target=native --set batch=2 --set seq=47 --emit=exe -o %t.exe
// RUN: %t.exe info | FileCheck %s
// RUN: %t.exe train --data %S/../../dialect/ops --ext cpp --steps 0 --save-init %t.init --seed 5
// RUN: %python-torch %S/gpt2_oracle.py perturb %t.init %t.params
// RUN: %python %S/make_batch.py 188 50257 %t.bin
// RUN: %t.exe grad --init %t.params --batch %t.bin --out %t.grads
// RUN: %python-torch %S/gpt2_oracle.py check %t.params %t.bin %t.grads 47
// RUN: rm %t.init %t.params %t.grads
// CHECK: total {{ *}}124439808
