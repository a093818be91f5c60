// What GUM picks is drawn for each matrix of each parameter, under the run's seed: all 64 bits of it.
// REQUIRES: numpy
// DEFINE: %{data} = --data %S/../Inputs --ext mlir --eval-every 0
// DEFINE: %{step} = rm -rf %t.d && %t.exe train %{data} --steps 1 --dump-dispatches %t.d --seed
// RUN: nanochat-opt %S/../Inputs/looped.mlir --target=native --optimizer matrix=gum:rank=3:full=0.5 --emit=exe -o %t.exe
// RUN: %{step} 0 && %python-numpy %S/draws.py %t.d 0
// RUN: %{step} 1 && %python-numpy %S/draws.py %t.d 1
// RUN: %{step} 4294967297 && %python-numpy %S/draws.py %t.d 4294967297
// RUN: rm -rf %t.d
