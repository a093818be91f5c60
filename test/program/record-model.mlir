// RUN: nanochat-opt %models/looplm.mlir --nanochat-set-sizes=sizes=batch=4 --nanochat-set-target=target=h100 --nanochat-record-model=only-on-request | FileCheck %s
// RUN: nanochat-opt %models/looplm.mlir --nanochat-set-target="target=reference numerics=backward=f32,head=f32,dense=f32,attention=f32,floats=f64" --nanochat-record-model | FileCheck %s --check-prefix=WIDE
// RUN: not nanochat-opt %models/looplm.mlir --nanochat-record-model 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: nanochat-opt %models/looplm.mlir --target=reference --stop-after=model | FileCheck %s --check-prefix=STAGE

// What a model says of the program it becomes; sizes are no longer the module's.
// CHECK-NOT: nanochat.sizes
// CHECK: nanochat.program "looplm_tiny" attributes {device = "sm_90", only_on_request, parameters_effective = 10172420 : i64, parameters_stored = 2936321 : i64, sizes = {accum = 1 : i64, batch = 4 : i64, layers = 3 : i64, n_loops = 4 : i64, seq = 256 : i64}, target = "sm_90", vocab = 2048 : i64}
// CHECK: nanochat.model @looplm_tiny
// WIDE-NOT: device =
// WIDE: target = "reference in f64"
// NONE: looplm.mlir:{{.*}}error: has no target: it is nanochat.target of the module
// STAGE: nanochat.program "looplm_tiny" attributes {{.*}}target = "reference"
