// The fastest program that fits, as options that make the same program.
// RUN: nanochat-opt %models/looplm.mlir --target=sm_90 --set layers=2,n_loops=2,accum=2 --plan=json > %t.said
// RUN: rm -rf %t.cache && env NANOCHAT_CACHE=%t.cache %python %S/budget.py nanochat-opt %models/looplm.mlir %t.said
// A configuration may say it.
// RUN: printf '[memory]\nbudget = "580MB"\nallow = ["masters=bf16"]\n' > %t.toml
// RUN: nanochat-opt %models/looplm.mlir --target=sm_90 --config=%t.toml --plan | FileCheck %s --check-prefix=CONFIG
// CONFIG: with {{.*}}--masters=matrix=bf16,embedding=bf16

// RUN: not nanochat-opt %models/looplm.mlir --target=sm_90 --budget=100MB --plan 2>&1 | FileCheck %s --check-prefix=LITTLE
// LITTLE: looplm.mlir:[[#]]:[[#]]: error: no program of the model fits into 100.0 MB: the leanest takes {{.*}} MB (reserve 524.3 MB
// LITTLE: note: with --budget=574MB it takes 573.7 MB
// RUN: not nanochat-opt %models/looplm.mlir --target=sm_90 --budget=16XB --plan 2>&1 | FileCheck %s --check-prefix=UNIT
// UNIT: error: --budget=16XB is no size of memory
// UNIT: note: write it as in --budget=16GB, or 15GiB
// RUN: not nanochat-opt %models/looplm.mlir --target=sm_90 --budget=16GB --allow=masters=int4 --plan 2>&1 | FileCheck %s --check-prefix=ALLOW
// ALLOW: error: --allow=masters=int4 is not known
