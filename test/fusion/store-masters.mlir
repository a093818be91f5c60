// Parameters are bound as bf16 and widened where they are read; what an update leaves is rounded as it is made.
// RUN: nanochat-opt %models/looplm.mlir --target=x86-64-v3 --stop-after=optimize | nanochat-opt --pass-pipeline='builtin.module(func.func(nanochat-decompose-for-fusion),nanochat-store-masters{masters=matrix=bf16})' | FileCheck %s
// CHECK-LABEL: func.func @train.gradients
// CHECK-SAME: tensor<3x256x256xbf16> {nanochat.bind = #nanochat.bind<parameter, "layers.q"
// CHECK-SAME: tensor<3x256xf32> {nanochat.bind = #nanochat.bind<parameter, "layers.norm2"
// CHECK: nanochat.loop "layers" = 3 slice(%[[W:.*]] = %{{.*}} : tensor<3x256x256xbf16>)
// CHECK: linalg.generic {{.*}} ins(%[[W]] : tensor<256x256xbf16>)
// CHECK-NEXT: ^bb0(%[[E:.*]]: bf16, %{{.*}}: f32):
// CHECK-NEXT: arith.extf %[[E]] : bf16 to f32
// CHECK-LABEL: func.func @train.update
// CHECK: arith.truncf %{{.*}} : f32 to bf16
// CHECK-NEXT: linalg.yield
// CHECK-NEXT: } -> tensor<3x256x256xbf16>

// Without the option nothing changes.
// RUN: nanochat-opt %models/looplm.mlir --target=x86-64-v3 --stop-after=fuse | FileCheck %s --check-prefix=NONE
// NONE-NOT: bf16
