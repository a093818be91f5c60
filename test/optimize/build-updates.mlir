// RUN: nanochat-opt %S/../Inputs/dense.mlir --nanochat-build-updates | FileCheck %s

// Parameters, gradients and scalars are arguments bound by name; new parameters are bound as the old.
// CHECK: func.func @train.update({{.*}}#nanochat.bind<input, "lr"
// CHECK-SAME: #nanochat.bind<gradient, "embed"
// CHECK-SAME: #nanochat.bind<parameter, "embed"
// CHECK-COUNT-3: nanochat.sgd

// A rule that draws has a stream for each parameter, under the seed that the program is given.
// RUN: nanochat-opt %S/../Inputs/looped.mlir --nanochat-assign-optimizers="assign=matrix=gum" --nanochat-build-updates | FileCheck %s --check-prefix=DRAWS
// DRAWS: %[[SEED:[a-z0-9]+]]: tensor<2xi32> {nanochat.bind = #nanochat.bind<input, "seed">}
// DRAWS: %[[Q:.*]] = nanochat.random_stream %[[SEED]] site "update.layers.q"
// DRAWS: nanochat.gum {{.*}} stream %[[Q]] states
// DRAWS: %[[K:.*]] = nanochat.random_stream %[[SEED]] site "update.layers.k"
// DRAWS: nanochat.gum {{.*}} stream %[[K]] states
