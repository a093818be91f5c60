// Machine code grows neither with layers nor with loops, and takes less than a minute to make. It is not
// the same to the byte: host code holds other offsets, and LLVM unrolls sums over 24 layers, not over 48.
// RUN: timeout 60 nanochat-opt %S/../../models/looplm-a.mlir --target=native --emit=obj -o %t.o
// RUN: nanochat-opt %S/../../models/looplm-a.mlir --target=native --set layers=48 --set n_loops=16 --emit=obj -o %t.large.o
// RUN: llvm-size -A %t.o %t.large.o | awk '$1 == ".text" { size[++n] = $2 } END { exit !(n == 2 && size[2] < 1.001 * size[1]) }'
