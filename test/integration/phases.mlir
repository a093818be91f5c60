// What happens between steps: FIRE, another value of a scalar, states anew. Such a run, resumed before and behind it, gives the same
// bits; what is past cannot change.
// DEFINE: %{run} = %t.exe train --copy-task --eval-every 0 --checkpoints %t.d
// DEFINE: %{at} = --at 50%%:fire --at 6:weight_decay=0.1 --at 6:reset-states --at 9:lr=0.001
// RUN: rm -rf %t.d && nanochat-opt %models/looplm.mlir --target=native --set batch=1,seq=16,n_loops=2,layers=2 --emit=exe -o %t.exe
// RUN: %{run} %{at} --steps 12 --save %t.whole.safetensors --log %t.jsonl | FileCheck %s
// CHECK: step 6 {{.*}}phase weight_decay=0.1
// CHECK: step 6 {{.*}}phase fire
// CHECK: step 6 {{.*}}phase reset-states
// CHECK: step 9 {{.*}}phase lr=0.001
// CHECK: phases took {{.*}} % of what training took
// RUN: FileCheck %s --check-prefix=LOG < %t.jsonl
// LOG: {"step": 6, "phase": "fire", "seconds":
// RUN: rm -rf %t.d && %{run} %{at} --schedule-steps 12 --steps 5 && %{run} %{at} --steps 7 --schedule-steps 12 --resume auto
// RUN: %{run} %{at} --steps 12 --schedule-steps 12 --resume auto --save %t.resumed.safetensors
// RUN: cmp %t.whole.safetensors %t.resumed.safetensors

// RUN: rm -rf %t.d && %{run} %{at} --schedule-steps 12 --steps 7
// RUN: not %{run} --at 9:lr=0.001 --steps 12 --resume auto 2>&1 | FileCheck %s --check-prefix=PAST
// PAST: error: the run that is resumed stands at step 7 and had --at 6:weight_decay=0.1, where this one has nothing
// RUN: %{run} %{at} --at 11:lr=0.002 --steps 12 --resume auto | FileCheck %s --check-prefix=OTHER
// OTHER: resumed with another --at: 6:weight_decay=0.1 6:fire 6:reset-states 9:lr=0.001 11:lr=0.002, was: 6:weight_decay=0.1 6:fire 6:reset-states 9:lr=0.001
// Without --at, what the run was begun with still happens.
// RUN: rm -rf %t.d && %{run} %{at} --schedule-steps 12 --steps 7 && %{run} --steps 12 --resume auto --save %t.restored.safetensors
// RUN: cmp %t.whole.safetensors %t.restored.safetensors
// RUN: not %{run} --steps 4 --at 5:fire 2>&1 | FileCheck %s --check-prefix=NEVER
// NEVER: error: --at 5:fire: step 5 is never begun, the run has 4 steps
// RUN: not %{run} --steps 4 --at 1:fier 2>&1 | FileCheck %s --check-prefix=NAME
// NAME: error: --at 1:fier: model 'looplm' has nothing called 'fier' to run
// NAME: note: it has fire; other actions are NAME=VALUE, of a scalar, and reset-states
// RUN: not %{run} --steps 4 --at soon:fire 2>&1 | FileCheck %s --check-prefix=TIME
// TIME: error: --at soon:fire
// RUN: not %{run} --steps 4 --at 1:weight=3 2>&1 | FileCheck %s --check-prefix=SCALAR
// SCALAR: error: {{.*}}weight{{.*}}
// RUN: not %{run} --steps 4 --at 1:fire --at 25%%:fire 2>&1 | FileCheck %s --check-prefix=TWICE
// TWICE: error: --at 1:fire and --at 25%:fire do the same before the same step

// The same from a configuration.
// RUN: rm -rf %t.d && printf '[training]\ntotal_steps = 12\n[[phase]]\nat = "50%%%%"\nrun = "fire"\nrestart = true\nset = { weight_decay = 0.1 }\n[[phase]]\nat = 9\nset = { lr = 0.001 }\n' > %t.toml
// RUN: %{run} --config %t.toml --save %t.config.safetensors
// RUN: cmp %t.whole.safetensors %t.config.safetensors
// RUN: printf '[[phase]]\nat = 5\n' > %t.toml && not %{run} --config %t.toml 2>&1 | FileCheck %s --check-prefix=EMPTY
// EMPTY: toml:1:1: this {{.*}}phase{{.*}} does nothing
// RUN: rm -rf %t.d
