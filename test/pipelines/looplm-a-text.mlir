// Machine code grows neither with layers nor with loops, and takes less than a minute to make. It is the
// same but for the lengths of the numbers in it: half a percent.
// RUN: timeout 60 nanochat-opt %S/../../models/looplm-a.mlir --target=native --emit=obj -o %t.o
// RUN: nanochat-opt %S/../../models/looplm-a.mlir --target=native --set layers=48 --set n_loops=16 --emit=obj -o %t.large.o
// RUN: llvm-size -A %t.o %t.large.o | awk '$1 == ".text" { size[++n] = $2 } END { exit !(n == 2 && size[2] < 1.005 * size[1] && size[1] < 1.005 * size[2]) }'
