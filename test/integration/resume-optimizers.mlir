// Going on from a checkpoint between two refreshes of bases and draws, with 8-bit states, is going on: the same bits, under the
// seed of the run. Other states than the checkpoint holds are refused.
// DEFINE: %{small} = --target=native --set batch=1,seq=16,n_loops=2,layers=2
// DEFINE: %{rules} = --optimizer embedding=gum:rank=8:period=5 --optimizer norm=adamw8 --optimizer matrix=galore:clip=projected:base=adam8:period=5
// DEFINE: %{run} = train --copy-task --eval-every 0 --schedule-steps 12 --checkpoints %t.d
// RUN: rm -rf %t.d && nanochat-opt %models/looplm.mlir %{small} %{rules}:rank=24 --emit=exe -o %t.exe
// RUN: %t.exe %{run} --steps 12 --seed 4294967299 --save %t.whole.safetensors
// RUN: rm -rf %t.d && %t.exe %{run} --steps 7 --seed 4294967299
// RUN: %t.exe %{run} --steps 12 --resume auto --save %t.resumed.safetensors
// RUN: cmp %t.whole.safetensors %t.resumed.safetensors

// RUN: nanochat-opt %models/looplm.mlir %{small} %{rules}:rank=16 --emit=exe -o %t.other
// RUN: not %t.other %{run} --steps 14 --resume auto 2>&1 | FileCheck %s --check-prefix=RANK
// RANK: error: {{.*}}layers.q.basis{{.*}}[2, 256, 24]{{.*}}[2, 256, 16]
// RUN: nanochat-opt %models/looplm.mlir %{small} %{rules}:rank=24:block=128 --emit=exe -o %t.other
// RUN: not %t.other %{run} --steps 14 --resume auto 2>&1 | FileCheck %s --check-prefix=BLOCK
// BLOCK: error: {{.*}}layers.q.m.codes
// RUN: nanochat-opt %models/looplm.mlir %{small} --emit=exe -o %t.other
// RUN: not %t.other %{run} --steps 14 --resume auto 2>&1 | FileCheck %s --check-prefix=RULE
// RULE: error: {{.*}}embed.m
// RUN: rm -rf %t.d
