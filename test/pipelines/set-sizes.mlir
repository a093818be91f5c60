// RUN: nanochat-opt %S/../Inputs/dense.mlir --nanochat-set-sizes="sizes=layers=5,n_loops=3,batch=4" | FileCheck %s
// RUN: not nanochat-opt %S/../Inputs/dense.mlir --nanochat-set-sizes="sizes=depth=5" 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// CHECK: nanochat.sizes = {accum = 1 : i64, batch = 4 : i64, layers = 5 : i64, n_loops = 3 : i64, seq = 8 : i64}
// CHECK: nanochat.tokens batch = 4 seq = 8
// CHECK: stack "layers" : tensor<5x12x12xf32>
// CHECK: nanochat.loop "n_loops" = 3 carry({{.*}} : tensor<32x12xf32>)
// CHECK: nanochat.loop "layers" = 5
// CHECK: tensor<32x12xf32>
// UNKNOWN: error: --set depth=5: the model has no size 'depth'
// UNKNOWN: note: sizes are batch, seq, accum and the names of its loops
