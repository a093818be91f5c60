// Codes stay where they are read, in the body of the layers; their scales leave it. Both are the bits of ternarize.
// RUN: nanochat-opt %models/looplm.mlir --target=x86-64-v3 --codes=use --stop-after=optimize | FileCheck %s
// RUN: nanochat-opt %models/looplm.mlir --target=x86-64-v3 --codes=step --stop-after=optimize | FileCheck %s --check-prefix=STEP
// RUN: nanochat-opt %models/looplm.mlir --target=x86-64-v3 --stop-after=differentiate | nanochat-opt --nanochat-split-ternarize | FileCheck %s --check-prefix=PASS
// RUN: not nanochat-opt %models/looplm.mlir --target=x86-64-v3 --codes=later --plan 2>&1 | FileCheck %s --check-prefix=WORD

// CHECK: func.func @train.gradients
// CHECK: nanochat.loop "layers" = 3 slice(%[[W:.*]] = %{{.*}} : tensor<3x256x256xf32>)
// CHECK-NEXT: nanochat.ternary_scale %[[W]]
// CHECK-NEXT: nanochat.yield stack
// CHECK: nanochat.loop "n_loops"
// CHECK: nanochat.loop "layers"
// CHECK: %[[T:.*]] = nanochat.ternarize_by %{{.*}} by %{{.*}} : tensor<256x256xf32>, tensor<f32>
// CHECK-NEXT: nanochat.pack_panels %[[T]]
// CHECK-NOT: nanochat.ternarize %

// STEP: func.func @train.gradients
// STEP: nanochat.loop "layers"
// STEP-NEXT: nanochat.ternarize %
// STEP-NEXT: nanochat.pack_panels
// STEP-NOT: ternarize_by

// PASS: %[[G:.*]] = nanochat.ternary_scale %[[W:.*]] : tensor<256x256xf32>
// PASS-NEXT: nanochat.ternarize_by %[[W]] by %[[G]]

// WORD: error: --codes=later is not known
// WORD: note: it is step or use
