// Gradients are sums over ranks: slices to where they are added, and back.
// RUN: nanochat-opt %models/copy-tiny.mlir --set batch=12 --ranks=3 --target=native --stop-after=distribute | FileCheck %s
// CHECK-LABEL: func.func @train.gradients
// CHECK-SAME: tensor<256xi32> {nanochat.bind = #nanochat.bind<input, "tokens">}
// The last LoopLM step completes gradients, in it an iteration over layers exchanges what the one before has made.
// CHECK: nanochat.loop "n_loops" = 1 from 1
// CHECK-NOT: nanochat.exchange
// CHECK: nanochat.loop "n_loops" = 1 from 0
// CHECK: %[[FIRST:.*]]:12 = nanochat.loop "layers" = 1 from 1
// CHECK-NOT: nanochat.exchange
// CHECK: %[[OTHERS:.*]]:19 = nanochat.loop "layers" = 1 from 0 carry(%{{[^,]*}}, %[[BEFORE:[^ ]*]] =
// CHECK: %[[FLAT:.*]] = tensor.collapse_shape %[[BEFORE]]
// CHECK: %[[SENT:.*]] = nanochat.exchange_start all_to_all %[[FLAT]] lane 8 : tensor<16384xf32> -> tensor<3x5462xf32>
// CHECK: nanochat.ternary_weight_grad
// CHECK: nanochat.exchange_done %[[SENT]], %[[FLAT]]
// CHECK: nanochat.exchange_start all_gather %{{.*}} lane 8 : tensor<5462xf32> -> tensor<16384xf32>
// CHECK: nanochat.yield
// The last layer's own, and the place of all.
// CHECK: nanochat.exchange_start all_to_all %{{.*}} lane 8
// CHECK: nanochat.join %[[OTHERS]]#8, %[[FIRST]]#1 : tensor<1x128xf32>, tensor<1x128xf32> -> tensor<2x128xf32>
// CHECK: nanochat.join %{{.*}}, %[[OTHERS]]#9 over %{{.*}} : tensor<1x128x128xf32>, tensor<1x128x128xf32> over tensor<2x128x128xf32> -> tensor<2x128x128xf32>
// CHECK: nanochat.yield
// CHECK: %[[SMALL:.*]] = tensor.collapse_shape %{{.*}} : tensor<2x128xf32> into tensor<256xf32>
// CHECK: %[[STARTED:.*]] = nanochat.exchange_start all_to_all %[[SMALL]] lane 0 : tensor<256xf32> -> tensor<3x86xf32>
// CHECK: nanochat.exchange_start all_to_all %{{.*}} lane 1
// CHECK: nanochat.exchange_start all_to_all %{{.*}} lane 2
// CHECK: %[[SLICES:.*]] = nanochat.exchange_done %[[STARTED]], %[[SMALL]]
// A binary tree of neighbours, and the mean.
// CHECK: linalg.generic {{.*}} ins(%[[SLICES]], %[[SLICES]], %[[SLICES]] :
// CHECK: ^bb0(%[[A:.*]]: f32, %[[B:.*]]: f32, %[[C:.*]]: f32, %{{.*}}: f32):
// CHECK: %[[AB:.*]] = arith.addf %[[A]], %[[B]]
// CHECK: %[[ABC:.*]] = arith.addf %[[AB]], %[[C]]
// CHECK: arith.constant 0.333333343 : f32
// CHECK: arith.mulf %[[ABC]],
// CHECK: nanochat.exchange_start all_gather %{{.*}} lane 28 over %[[SMALL]] : tensor<86xf32> over tensor<256xf32> -> tensor<256xf32>
// CHECK: nanochat.grad_norm
// CHECK: nanochat.exchange_start all_gather %{{.*}} : tensor<1xf32> -> tensor<3xf32>
// CHECK: return
// Updates and evaluations are what they are of one rank.
// CHECK-LABEL: func.func @eval
// CHECK-NOT: nanochat.exchange
// CHECK-LABEL: func.func @train.update
// CHECK-NOT: nanochat.exchange

// What the head adds to the embedding's gradient is on its way before the backward pass, and back during it; what tokens add comes as their rows.
// RUN: nanochat-opt %models/gpt2-124m.mlir --ranks=2 --target=x86-64-v3 --stop-after=distribute | FileCheck %s --check-prefix=TABLE
// TABLE: %[[HEAD:.*]] = nanochat.exchange_start all_to_all %[[FLAT:.*]] lane 0 : tensor<38597376xf32> -> tensor<2x19298688xf32>
// TABLE: nanochat.loop "layers" = 1 from 11
// TABLE: nanochat.exchange_done %[[HEAD]], %[[FLAT]]
// TABLE: nanochat.exchange_start all_gather %{{.*}} lane 28 over %[[FLAT]]
// TABLE: %[[DX:.*]]:23 = nanochat.loop "layers" = 11 from 0
// TABLE: %[[TOKENS:.*]] = nanochat.exchange_start all_gather %{{.*}} lane 5 : tensor<2048xi32> -> tensor<4096xi32>
// TABLE: %[[ROWS:.*]] = nanochat.exchange_start all_gather %[[DX]]#0 lane 6 : tensor<2048x768xf32> -> tensor<4096x768xf32>
// TABLE: %[[ALL:.*]] = nanochat.exchange_done %[[TOKENS]],
// TABLE: %[[DY:.*]] = nanochat.exchange_done %[[ROWS]], %[[DX]]#0
// TABLE: nanochat.embedding_grad %[[ALL]], %[[DY]] : tensor<4096xi32>, tensor<4096x768xf32> -> tensor<50257x768xf32>
// TABLE: nanochat.grad_norm
// With owners, only rows of its own.
// RUN: nanochat-opt %models/gpt2-124m.mlir --ranks=2 --shard=states --target=x86-64-v3 --stop-after=distribute | FileCheck %s --check-prefix=OWN
// OWN: nanochat.embedding_grad %{{.*}}, %{{.*}} : tensor<4096xi32>, tensor<4096x768xf32> -> tensor<25130x768xf32>

// More ways than a kernel adds up at a time: kernels of sixteen neighbours each, and one for the rest.
// RUN: nanochat-opt %models/gpt2-124m.mlir --set batch=36 --ranks=18 --target=x86-64-v3 --stop-after=distribute | FileCheck %s --check-prefix=MANY
// MANY: } -> tensor<1x2144299xf32>
// MANY: } -> tensor<2144299xf32>
// MANY: nanochat.join %{{.*}}, %{{.*}} : tensor<1x2144299xf32>, tensor<1x2144299xf32> -> tensor<2x2144299xf32>

// Several ways of a rank are one more loop; the tree is that of six.
// RUN: nanochat-opt %models/copy-tiny.mlir --set batch=12 --ranks=3 --ways=6 --target=native --stop-after=distribute | FileCheck %s --check-prefix=WAYS
// WAYS: func.func @train.gradients(%{{.*}}: tensor<2x128xi32> {nanochat.bind = #nanochat.bind<input, "tokens">}
// WAYS: nanochat.loop "ways" = 2 slice(%{{.*}} = %{{.*}} : tensor<2x128xi32>
// WAYS: nanochat.loop "ways" = 2 slice(%[[WAY:.*]] = %{{.*}} : tensor<2x256xf32>) {
// WAYS: nanochat.exchange_start all_to_all %[[WAY]] lane 7 : tensor<256xf32> -> tensor<3x86xf32>
// WAYS: tensor<2x3x86xf32>

// Each exchange ends before the next.
// RUN: nanochat-opt %models/copy-tiny.mlir --set batch=12 --ranks=3 --overlap=off --target=native --stop-after=distribute | FileCheck %s --check-prefix=OFF
// OFF: exchange_start all_to_all %{{.*}} lane 0
// OFF-NOT: exchange_start
// OFF: exchange_done
// OFF-NOT: exchange_start all_to_all
// OFF: exchange_start all_gather
// OFF-NOT: exchange_start
// OFF: exchange_done

// Ranks own layers: codes of ternary weights come back, two bits each, gradients stay where they were added.
// RUN: nanochat-opt %models/copy-tiny.mlir --set batch=12 --ranks=2 --shard=states --target=native --stop-after=distribute | FileCheck %s --check-prefix=STATES
// STATES-LABEL: func.func @train.gradients
// STATES-SAME: tensor<1x352x128xf32> {nanochat.bind = #nanochat.bind<parameter, "layers.gate", role = "matrix", init = normal, scale = 0.089999999999999996 : f64, rows = 2>}
// STATES-SAME: -> ({{.*}}tensor<1x352x128xf32> {nanochat.bind = #nanochat.bind<gradient, "layers.gate", role = "matrix", rows = 2>}
// STATES: nanochat.loop "layers" = 1 slice(%{{.*}} = %{{.*}} : tensor<1x352x128xf32>)
// STATES: nanochat.exchange_start all_gather %{{.*}} : tensor<11264xi8> -> tensor<22528xi8>
// STATES: nanochat.exchange_start all_to_all %{{.*}} : tensor<90112xf32> -> tensor<2x45056xf32>
// STATES-LABEL: func.func @train.update
// STATES: nanochat.muon {{.*}} : tensor<1x352x128xf32>

// No rank has the codes of all layers: each keeps a part, loops carry those of the layer at hand and gather the next one's.
// RUN: nanochat-opt %models/copy-tiny.mlir --set batch=12 --ranks=2 --shard=weights --target=native --stop-after=distribute | FileCheck %s --check-prefix=WEIGHTS
// WEIGHTS-LABEL: func.func @train.gradients
// WEIGHTS-NOT: tensor<22528xi8>
// WEIGHTS: %[[SPREAD:.*]] = nanochat.exchange_start all_to_all %{{.*}} lane 6 : tensor<2x1x5632xi8> -> tensor<2x1x5632xi8>
// WEIGHTS: %[[FIRST:.*]] = nanochat.exchange_start all_gather %{{.*}} lane 5 : tensor<5632xi8> -> tensor<11264xi8>
// WEIGHTS: %[[CODES:.*]] = nanochat.exchange_done %[[FIRST]]
// WEIGHTS: nanochat.loop "n_loops" = 2 carry({{.*}}, %[[HANDED:.*]] = %[[CODES]] : tensor<11264xi8>
// WEIGHTS-NEXT: nanochat.loop "layers" = 2 carry({{.*}}, %[[HAND:.*]] = %[[HANDED]] : tensor<11264xi8>, {{.*}} slice({{.*}} : tensor<2x5632xi8>
// WEIGHTS-NEXT: %[[A:.*]] = nanochat.exchange_start all_gather %[[PART:.*]] ahead lane 5 : tensor<5632xi8> -> tensor<11264xi8>
// WEIGHTS-NEXT: nanochat.exchange_start all_gather %{{.*}} ahead lane 6
// WEIGHTS: %[[NEXT:.*]] = nanochat.exchange_done %[[A]], %[[PART]]
// WEIGHTS-NEXT: nanochat.exchange_start all_gather %{{.*}} ahead lane 5
// WEIGHTS: linalg.generic {{.*}} ins(%[[HAND]] : tensor<11264xi8>) outs(%{{.*}} : tensor<11264x4xi8>)
// WEIGHTS: nanochat.yield %{{.*}}, %[[NEXT]], %{{.*}}, %{{.*}} : tensor<384x128xf32>, tensor<11264xi8>, tensor<11264xi8>, tensor<11264xi8> stack
// WEIGHTS: reverse {
// WEIGHTS: exchange_start all_gather %{{.*}} ahead lane 5

// Where exchanges end before others begin, a layer is gathered where it is read.
// RUN: nanochat-opt %models/copy-tiny.mlir --set batch=12 --ranks=2 --shard=weights --overlap=off --target=native --stop-after=distribute | FileCheck %s --check-prefix=AT-USE
// AT-USE-LABEL: func.func @train.gradients
// AT-USE-NOT: ahead
// AT-USE: nanochat.loop "n_loops" = 2
// AT-USE-NEXT: nanochat.loop "layers" = 2
// AT-USE: %[[STARTED:.*]] = nanochat.exchange_start all_gather %[[PART:.*]] lane 5 : tensor<5632xi8> -> tensor<11264xi8>
// AT-USE-NEXT: nanochat.exchange_done %[[STARTED]], %[[PART]]

// What cannot be.
// RUN: not nanochat-opt %models/copy-tiny.mlir --ranks=3 --target=native --plan 2>&1 | FileCheck %s --check-prefix=SPLIT
// SPLIT: copy-tiny.mlir:12:{{.*}} error: a step of 16 sequences, 1 times 16, does not split into 3 equal sums
// SPLIT: note: choose batch and accum whose product is a multiple of 3, or another number of --ways or --ranks
// RUN: not nanochat-opt %models/copy-tiny.mlir --ranks=2 --ways=3 --target=native --plan 2>&1 | FileCheck %s --check-prefix=WAYS-OF
// WAYS-OF: error: --ways=3 is no multiple of --ranks=2
// RUN: not nanochat-opt %models/copy-tiny.mlir --ranks=0 --target=native --plan 2>&1 | FileCheck %s --check-prefix=NONE
// NONE: error: --ranks and --ways are numbers from 1 to 4096
// RUN: not nanochat-opt %models/copy-tiny.mlir --shard=states --target=native --plan 2>&1 | FileCheck %s --check-prefix=ALONE
// ALONE: error: --shard=states shares parameters out among ranks, of which there is one
// RUN: not nanochat-opt %models/copy-tiny.mlir --shard=weights --target=native --plan 2>&1 | FileCheck %s --check-prefix=APART
// APART: error: --shard=weights shares parameters out among ranks, of which there is one
// RUN: not nanochat-opt %models/copy-tiny.mlir --ranks=2 --shard=weight --target=native --plan 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// UNKNOWN: error: --shard=weight is not known
// UNKNOWN-NEXT: note: it is none, states or weights
// RUN: not nanochat-opt %models/copy-tiny.mlir --ranks=2 --shard=states --masters=matrix=bf16 --target=native --plan 2>&1 | FileCheck %s --check-prefix=MASTERS
// MASTERS: error: --masters: ranks own shares of 'layers.gate'
// MASTERS: note: --shard and masters in fewer bits are not available together: leave one out
// RUN: not nanochat-opt %models/copy-tiny.mlir --ranks=2 --ways=4 --optimizer=matrix=galore:rank=8:clip=projected --target=native --plan 2>&1 | FileCheck %s --check-prefix=BASES
// BASES: error: {{.*}}takes a basis of a gradient, of which each rank has 2
// BASES: note: rules that project gradients (galore, gum) need --ranks=4, one for each of --ways
// RUN: not nanochat-opt %S/../integration/update-in-backward.mlir --ranks=2 --update=backward --target=native --plan 2>&1 | FileCheck %s --check-prefix=BACKWARD
// BACKWARD: cannot update in the backward pass: gradients are sums over 2 parts of a step (ways)
// RUN: not nanochat-opt %models/copy-tiny.mlir --network=50us,1.2GB --target=native 2>&1 | FileCheck %s --check-prefix=NETWORK
// NETWORK: error: --network goes with --plan
// RUN: not nanochat-opt %models/copy-tiny.mlir --network=fast --plan --target=native 2>&1 | FileCheck %s --check-prefix=FAST
// FAST: error: --network=fast is no way between ranks

// How it scales.
// RUN: nanochat-opt %models/copy-tiny.mlir --ranks=2 --plan --network=50us,1.2GB,2,6us,2.8GB --target=x86-64-v3 | FileCheck %s --check-prefix=PLAN
// PLAN: ranks=2
// PLAN: communication
// PLAN: exchanges of a step
// PLAN: bytes sent, of rank 0
// PLAN: exchanges take {{.*}} s, of which {{.*}} s are waited for
// PLAN: the same step on more ranks
// PLAN: 16 {{.*}}%
// PLAN-NOT: 32 {{.*}}%
// A budget may share states out.
// RUN: nanochat-opt %models/looplm.mlir --ranks=2 --optimizer=rest=adamw --budget=110MB --plan --target=x86-64-v3 | FileCheck %s --check-prefix=BUDGET
// BUDGET: with --set batch={{.*}} --shard=states
// Or have layers gathered one by one, where nothing else fits.
// RUN: nanochat-opt %models/looplm.mlir --ranks=2 --optimizer=rest=adamw --budget=62MB --plan --target=x86-64-v3 | FileCheck %s --check-prefix=LEAN
// LEAN: with --set batch={{.*}} --shard=weights
// LEAN: communication
