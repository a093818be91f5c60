// Machine code takes a minute at most to make on a quiet machine, and is of the same size for any number of layers and loops:
// numbers that follow from them are data.
// RUN: timeout 300 nanochat-opt %models/looplm.mlir --preset=a --target=native --emit=obj -o %t.o
// RUN: nanochat-opt %models/looplm.mlir --preset=a --target=native --set layers=48 --emit=obj -o %t.layers.o
// RUN: nanochat-opt %models/looplm.mlir --preset=a --target=native --set n_loops=16 --emit=obj -o %t.loops.o
// RUN: llvm-size -A %t.o %t.layers.o %t.loops.o | awk '$1 == ".text" { size[++n] = $2 } END { exit !(n == 3 && size[1] > 1e5 && size[2] == size[1] && size[3] == size[1]) }'
