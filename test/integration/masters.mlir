// Parameters in bf16: updates add up that are smaller than half of a last place, by chance; files of both forms load into both.
// REQUIRES: numpy
// DEFINE: %{set} = --set d=64,heads=2,layers=2,n_loops=2,vocab=256,batch=2,seq=32
// DEFINE: %{compile} = nanochat-opt %models/looplm.mlir --target=native %{set} --emit=exe
// DEFINE: %{train} = train --copy-task --eval-every 0
// RUN: %{compile} -o %t.f32
// RUN: %{compile} --masters=matrix=bf16,embedding=bf16 -o %t.bf16
// RUN: %t.bf16 info --json | FileCheck %s
// CHECK: "name": "embed"
// CHECK-NEXT: "dtype": "bf16"
// CHECK: "name": "layers.norm1"
// CHECK-NEXT: "dtype": "f32"
// CHECK: "choices": "--masters=matrix=bf16,embedding=bf16"

// The same bits for any threads, any policy and after a resume.
// RUN: rm -rf %t.c && %t.bf16 %{train} --steps 6 --threads 1 --save %t.w1
// RUN: %t.bf16 %{train} --steps 6 --threads 3 --save %t.w2 && cmp %t.w1 %t.w2
// RUN: %t.bf16 %{train} --steps 3 --schedule-steps 6 --checkpoints %t.c --save-every 3 && %t.bf16 %{train} --steps 6 --resume auto --checkpoints %t.c --save %t.w3 && cmp %t.w1 %t.w3
// RUN: %{compile} --masters=matrix=bf16,embedding=bf16 --recompute=layers=body,n_loops=body --codes=use -o %t.lean
// RUN: %t.lean %{train} --steps 6 --save %t.w4
// RUN: %python-numpy %S/masters.py same %t.w1 %t.w4
// Another seed rounds otherwise.
// RUN: %t.bf16 %{train} --steps 6 --seed 1 --init %t.w1 --save %t.w5
// RUN: %t.bf16 %{train} --steps 6 --seed 2 --init %t.w1 --save %t.w6 && not cmp -s %t.w5 %t.w6

// Close to f32's after a few steps, from the same numbers; and every number is one of bf16.
// RUN: %t.bf16 %{train} --steps 0 --save-init %t.i
// RUN: %t.f32 %{train} --steps 8 --init %t.i --save %t.f
// RUN: %t.bf16 %{train} --steps 8 --init %t.i --save %t.b
// RUN: %python-numpy %S/masters.py close %t.f %t.b 8e-3
// Files of f32 load into bf16, to nearest, and those of bf16 into f32, as they are.
// RUN: %t.bf16 %{train} --steps 0 --init %t.f --save-init %t.fb && %python-numpy %S/masters.py nearest %t.f %t.fb
// RUN: %t.f32 %{train} --steps 0 --init %t.b --save-init %t.bf && %python-numpy %S/masters.py same %t.b %t.bf
// RUN: %t.f32 eval --copy-task --init %t.b --batches 1
// A record of such a step.
// RUN: rm -rf %t.d && %t.bf16 %{train} --steps 1 --dump-dispatches %t.d
// RUN: nanochat-opt %models/looplm.mlir --target=native %{set} --masters=matrix=bf16,embedding=bf16 --check-dispatches=%t.d

// RUN: not nanochat-opt %models/looplm.mlir --target=native --masters=matrixes=bf16 --plan 2>&1 | FileCheck %s --check-prefix=ROLE
// ROLE: error: --masters=matrixes=bf16: no parameters have the role 'matrixes', did you mean 'matrix'?
// RUN: not nanochat-opt %models/looplm.mlir --target=native --masters=matrix=f16 --plan 2>&1 | FileCheck %s --check-prefix=FORMAT
// FORMAT: error: --masters=matrix=f16: expected role=bf16 or role=int8
