// Predictions are made of rates: guessed, measured here, or of a file.
// RUN: rm -rf %t.cache && env NANOCHAT_CACHE=%t.cache nanochat-opt %models/looplm.mlir --target=x86-64-v3 --plan | FileCheck %s --check-prefix=GUESS
// GUESS: at least {{.*}} rates not measured
// RUN: env NANOCHAT_CACHE=%t.cache nanochat-opt --calibrate --target=x86-64-v3 -o %t.json | FileCheck %s --check-prefix=MEASURED
// MEASURED: "gemm f32": {{[0-9.]+}}
// MEASURED: "gemm int8": {{[0-9.]+}}
// MEASURED: "row": "x86-64-v3"
// RUN: env NANOCHAT_CACHE=%t.cache nanochat-opt %models/looplm.mlir --target=x86-64-v3 --plan | FileCheck %s --check-prefix=KEPT
// KEPT: at least {{.*}} rates measured: {{.+}}
// Twice as fast in a file.
// RUN: %python -c "import json; r = json.load(open('%t.json')); r['mean'] = {k: 2 * v for k, v in r['mean'].items()}; r['seconds_per_call'] /= 2; json.dump(r, open('%t.twice', 'w'))"
// RUN: nanochat-opt %models/looplm.mlir --target=x86-64-v3 --rates=%t.json --plan=json > %t.1
// RUN: nanochat-opt %models/looplm.mlir --target=x86-64-v3 --rates=%t.twice --plan=json > %t.2
// RUN: %python -c "import json; a, b = (json.load(open(p))['time']['seconds_per_step'] for p in ('%t.1', '%t.2')); assert abs(a / b - 2) < 1e-6, (a, b)"

// From a profile and a plan, as bench/gpu.sh does on a GPU.
// RUN: rm -rf %t.d && mkdir %t.d && nanochat-opt %models/looplm.mlir --target=x86-64-v3 --plan=json > %t.d/m.x86-64-v3.json
// RUN: nanochat-opt %models/looplm.mlir --target=x86-64-v3 --emit=exe -o %t.exe
// RUN: %t.exe train --copy-task --steps 2 --eval-every 0 --profile-file %t.d/m.profile.json
// RUN: %python %S/../../bench/gpu_rates.py %t.d %t.d x86-64-v3 'Some machine' m > %t.d/rates.json
// RUN: nanochat-opt %models/looplm.mlir --target=x86-64-v3 --rates=%t.d/rates.json --plan | FileCheck %s --check-prefix=SCRIPT
// SCRIPT: at least {{.*}} rates measured: Some machine
// RUN: not %python %S/../../bench/gpu_rates.py %t.d %t.d x86-64-v3 'Some machine' 2>&1 | FileCheck %s --check-prefix=NOTHING
// NOTHING: no kernel of attention f32, gemm f32, pointwise, rowwise moves a megabyte in no model

// RUN: not nanochat-opt %models/looplm.mlir --target=sm_90 --rates=%t.json --plan 2>&1 | FileCheck %s --check-prefix=ROW
// ROW: error: rates of '{{.*}}.json' are for x86-64-v3, not for sm_90
// RUN: sed 's/gemm int8/gemm int9/' %t.json > %t.bad && not nanochat-opt %models/looplm.mlir --target=x86-64-v3 --rates=%t.bad --plan 2>&1 | FileCheck %s --check-prefix=KIND
// KIND: error: rates of '{{.*}}.bad': unknown kind 'gemm int9'; the nearest is 'gemm int8'
// RUN: not nanochat-opt %models/looplm.mlir --target=x86-64-v3 --rates=%t.none --plan 2>&1 | FileCheck %s --check-prefix=NONE
// NONE: error: rates of '{{.*}}.none' cannot be read: No such file or directory
// RUN: not nanochat-opt --calibrate --target=sm_90 2>&1 | FileCheck %s --check-prefix=GPU
// GPU: error: --calibrate measures this processor, not sm_90
