// Gradients of 66 tokens have rank 66 at most; a momentum of rank 128 cannot be made orthonormal from them, and what comes of trying
// is no number. Orders of eigenvalues are permutations all the same, and the run ends with a sentence.
// RUN: nanochat-opt %models/copy-tiny.mlir --target=x86-64-v3 --set batch=2,seq=33,n_loops=2 --optimizer matrix=gum --emit=exe -o %t.exe
// RUN: not %t.exe train --copy-task --steps 3 --eval-every 0 --seed 1 2>&1 | FileCheck %s
// CHECK: error: step 1: {{.*}}not a finite number

// Gradients in few bits do not hide what is no number: weights beyond all measure end the run with the same sentence.
// DEFINE: %{format} = mxfp4
// DEFINE: %{run} = nanochat-opt %models/copy-tiny.mlir --target=native --set batch=2,seq=32 --backward=%{format} --emit=exe -o %t.exe && \
// DEFINE:   not %t.exe train --copy-task --steps 4 --eval-every 0 --lr 1e38 2>&1 | FileCheck %s --check-prefix=BITS
// RUN: %{run}
// REDEFINE: %{format} = nvfp4
// RUN: %{run}
// REDEFINE: %{format} = int8
// RUN: %{run}
// BITS: error: step {{[0-9]}}: {{.*}}not a finite number
