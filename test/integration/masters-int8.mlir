// Parameters as bytes with a scale for each row: what is rounded by chance is right on average, the same bits on every target, and files of all forms
// load into all.
// REQUIRES: numpy
// DEFINE: %{set} = --set d=64,heads=2,layers=2,n_loops=2,vocab=256,batch=2,seq=32
// DEFINE: %{compile} = nanochat-opt %models/looplm.mlir --target=native %{set} --emit=exe
// DEFINE: %{train} = train --copy-task --eval-every 0
// DEFINE: %{choice} = --masters=matrix=int8,embedding=int8,norm=int8,gate=int8
// RUN: %{compile} -o %t.f32
// RUN: %{compile} --masters=matrix=bf16 -o %t.bf16
// RUN: %{compile} %{choice} -o %t.int8
// RUN: %t.int8 info --json | FileCheck %s
// CHECK: "parameter_count": [[#%u,COUNT:]]
// CHECK: "name": "embed"
// CHECK-NEXT: "dtype": "i8"
// RUN: %t.f32 info --json > %t.1 && %t.int8 info --json > %t.2
// RUN: grep parameter_count %t.1 > %t.3 && grep parameter_count %t.2 | diff %t.3 -

// RUN: rm -rf %t.c && %t.int8 %{train} --steps 6 --threads 1 --save %t.w1
// RUN: %t.int8 %{train} --steps 6 --threads 3 --save %t.w2 && cmp %t.w1 %t.w2
// RUN: %t.int8 %{train} --steps 3 --schedule-steps 6 --checkpoints %t.c --save-every 3 && %t.int8 %{train} --steps 6 --resume auto --checkpoints %t.c --save %t.w3 && cmp %t.w1 %t.w3
// RUN: %{compile} %{choice} --recompute=layers=body,n_loops=body --codes=use -o %t.lean
// RUN: %t.lean %{train} --steps 6 --save %t.w4
// RUN: %python-numpy %S/masters.py same %t.w1 %t.w4

// Close to f32's after a few steps, from the same numbers.
// RUN: %t.int8 %{train} --steps 0 --save-init %t.i
// RUN: %t.f32 %{train} --steps 8 --init %t.i --save %t.f
// RUN: %t.int8 %{train} --steps 8 --init %t.i --save %t.b
// RUN: %python-numpy %S/masters.py close %t.f %t.b 3e-2
// Files of f32 load into int8, to nearest, and those of int8 into f32, as the numbers they are.
// RUN: %t.int8 %{train} --steps 0 --init %t.f --save-init %t.fb && %python-numpy %S/masters.py nearest %t.f %t.fb
// RUN: %t.f32 %{train} --steps 0 --init %t.b --save-init %t.bf && %python-numpy %S/masters.py same %t.b %t.bf
// RUN: %t.bf16 %{train} --steps 0 --init %t.b --save-init %t.bb && %t.int8 %{train} --steps 0 --init %t.bb --save-init %t.bi
// RUN: %t.f32 eval --copy-task --init %t.b --batches 1
// RUN: rm -rf %t.d && %t.int8 %{train} --steps 1 --dump-dispatches %t.d
// RUN: nanochat-opt %models/looplm.mlir --target=native %{set} %{choice} --check-dispatches=%t.d
// Codes without their scales are no parameters.
// RUN: %python %S/without-scales.py %t.b %t.broken
// RUN: not %t.int8 eval --copy-task --init %t.broken --batches 1 2>&1 | FileCheck %s --check-prefix=SCALES
// SCALES: error: {{.*}} has codes of 'embed' without their scales, expected 'embed.scales' f32 [256]

// A step from the same numbers in f32 tells what is rounded. Decay alone changes scales and no code.
// RUN: sed 's/tensor<257x64xf32>/tensor<16384x64xf32>/g; s/"lr" = 1.0/"lr" = 0.003/' %S/masters-unbiased.mlir > %t.mlir
// RUN: nanochat-opt %t.mlir --target=native --masters=head=int8,embedding=int8 --emit=exe -o %t.u
// RUN: nanochat-opt %t.mlir --target=native --emit=exe -o %t.e
// RUN: %t.u train --copy-task --steps 1 --seed 7 --eval-every 0 --save-init %t.u0 --save %t.u1
// RUN: %t.e train --copy-task --steps 1 --seed 7 --eval-every 0 --init %t.u0 --save %t.e1
// RUN: %python-numpy %S/masters.py unbiased %t.e1 %t.u1
// RUN: nanochat-opt %t.mlir --target=reference --masters=head=int8,embedding=int8 --emit=exe -o %t.r
// RUN: %t.r train --copy-task --steps 1 --seed 7 --eval-every 0 --save %t.r1
// RUN: %python-numpy %S/masters.py table %t.u1 %t.r1
// RUN: nanochat-opt %t.mlir --target=sm_90 --emulate --set batch=1 --masters=head=int8,embedding=int8 --emit=exe -o %t.g
// RUN: %t.g train --copy-task --steps 1 --seed 7 --eval-every 0 --save %t.g1
// RUN: %python-numpy %S/masters.py table %t.u1 %t.g1

// Rules that cut parameters into blocks of their own; vectors, which have no rows, stay f32.
// RUN: nanochat-opt %models/looplm.mlir --target=native %{set} --masters=norm=int8,gate=int8 --optimizer=norm=adamw8 --emit=exe -o %t.a
// RUN: %t.a info --json | FileCheck %s --check-prefix=VECTORS
// VECTORS: "name": "layers.norm1"
// VECTORS-NEXT: "dtype": "i8"
// VECTORS: "name": "exit.b"
// VECTORS-NEXT: "dtype": "f32"
// RUN: %t.a %{train} --steps 2

// RUN: not nanochat-opt %models/looplm.mlir --target=native --masters=matrix=bf16,matrix=int8 --plan 2>&1 | FileCheck %s --check-prefix=TWICE
// TWICE: error: --masters=matrix=int8: 'matrix' is said twice
// RUN: sed 's/param "head"/param "embed.scales"/' %S/masters-unbiased.mlir > %t.names.mlir
// RUN: not nanochat-opt %t.names.mlir --target=native --masters=embedding=int8 --plan 2>&1 | FileCheck %s --check-prefix=NAMES
// NAMES: error: --masters: 'embed' in int8 has scales that files call 'embed.scales', but a parameter has that name
// RUN: not nanochat-opt %models/looplm.mlir --target=native --masters=matrix=int4 --plan 2>&1 | FileCheck %s --check-prefix=FORMAT
// FORMAT: error: --masters=matrix=int4: expected role=bf16 or role=int8
