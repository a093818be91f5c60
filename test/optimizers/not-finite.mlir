// Gradients of 66 tokens have rank 66 at most; a momentum of rank 128 cannot be made orthonormal from them, and what comes of trying
// is no number. Orders of eigenvalues are permutations all the same, and the run ends with a sentence.
// RUN: nanochat-opt %models/copy-tiny.mlir --target=x86-64-v3 --set batch=2,seq=33,n_loops=2 --optimizer matrix=gum --emit=exe -o %t.exe
// RUN: not %t.exe train --copy-task --steps 3 --eval-every 0 --seed 1 2>&1 | FileCheck %s
// CHECK: error: step 1: {{.*}}not a finite number
