// A program for a GPU where there is none, and what is said of targets, versions and tiles that do not go together.
// REQUIRES: unsanitized
// RUN: nanochat-opt %models/copy-tiny.mlir --target=h100 --set batch=1 --emit=exe -o %t.exe
// RUN: %t.exe train --device=cpu --copy-task --steps 2 | FileCheck %s --check-prefix=CPU
// CPU: model copy_tiny (x86-64-v3)
// CPU: step 2/2
// RUN: env LD_LIBRARY_PATH=/nowhere %t.exe info | FileCheck %s --check-prefix=INFO
// INFO: target {{ *}}sm_90
// RUN: not %t.exe train --device=cuda:7 --copy-task --steps 2 2>&1 | FileCheck %s --check-prefix=CUDA
// CUDA: error: this machine cannot run the program: sm_90 cannot run: {{there is no (NVIDIA|GPU 7)}}
// CUDA: note: --device=cpu runs it on the processor

// RUN: not nanochat-opt %models/copy-tiny.mlir --target=sm_77 2>&1 | FileCheck %s --check-prefix=TARGET
// TARGET: error: unknown target 'sm_77'
// TARGET: note: targets are {{.*}}sm_90{{.*}}rtx4090
// RUN: not nanochat-opt %models/copy-tiny.mlir --target=sm_100 --ptx=8.0 --emit=ptx 2>&1 | FileCheck %s --check-prefix=PTX
// PTX: copy-tiny.mlir:11:1: error: PTX 8.0 does not know sm_100a: it takes at least 8.6
// RUN: not nanochat-opt %models/copy-tiny.mlir --target=sm_89 --ptx=8.9 --emit=ptx 2>&1 | FileCheck %s --check-prefix=UNWRITTEN
// UNWRITTEN: copy-tiny.mlir:11:1: error: PTX 8.9 is no version that can be written
// RUN: not nanochat-opt %models/copy-tiny.mlir --target=sm_89 --gemm-tile=256x256x3 2>&1 | FileCheck %s --check-prefix=TILE
// TILE: copy-tiny.mlir:{{[0-9]+}}:{{[0-9]+}}: error: a tile of 256x256x3 takes 196608 bytes of shared memory, and a block of sm_89 has at most 101376
// RUN: not nanochat-opt %models/copy-tiny.mlir --target=sm_90 --gemm-tile=100x64x3 2>&1 | FileCheck %s --check-prefix=CUT
// CUT: error: '100x64x3' is no tile of matrix products
// RUN: not nanochat-opt %models/copy-tiny.mlir --target=sm_90 --backward=int16 2>&1 | FileCheck %s --check-prefix=BACKWARD
// BACKWARD: error: --backward=int16 is not available on sm_90
// RUN: not nanochat-opt %models/copy-tiny.mlir --target=native --emulate 2>&1 | FileCheck %s --check-prefix=EMULATE
// EMULATE: error: --emulate goes with NVIDIA targets only
// RUN: not nanochat-opt %models/copy-tiny.mlir --target=sm_90 --emit=asm 2>&1 | FileCheck %s --check-prefix=EMIT
// EMIT: error: --emit=asm is not what sm_90 has

// Without ptxas there is PTX, and a line that says so.
// RUN: env NANOCHAT_PTXAS=none nanochat-opt %models/copy-tiny.mlir --target=sm_90 --set batch=1 --emit=exe -o %t.ptx.exe 2>&1 | FileCheck %s --check-prefix=NOPTXAS
// NOPTXAS: note: no ptxas: the program carries PTX only
// RUN: env NANOCHAT_PTXAS=none not nanochat-opt %models/copy-tiny.mlir --target=sm_90 --emit=cubin -o %t.cubin 2>&1 | FileCheck %s --check-prefix=NOCUBIN
// NOCUBIN: copy-tiny.mlir:11:1: error: no ptxas to write machine code with
