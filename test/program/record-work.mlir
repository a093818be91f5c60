// The work of a token is the model's: what a policy repeats is none of it.
// RUN: nanochat-opt %models/looplm.mlir --target=x86-64-v3 --recompute=layers=nothing --stop-after=differentiate > %t.nothing
// RUN: nanochat-opt %models/looplm.mlir --target=x86-64-v3 --recompute=layers=cheap --stop-after=differentiate > %t.cheap
// RUN: nanochat-opt %models/looplm.mlir --target=x86-64-v3 --recompute=layers=body,n_loops=body --stop-after=differentiate > %t.body
// RUN: sed -n 's/.*flops_per_token = \([0-9]*\).*/\1/p' %t.nothing > %t.1
// RUN: sed -n 's/.*flops_per_token = \([0-9]*\).*/\1/p' %t.cheap > %t.2
// RUN: sed -n 's/.*flops_per_token = \([0-9]*\).*/\1/p' %t.body > %t.3
// RUN: cmp %t.1 %t.2 && cmp %t.2 %t.3
// 6 operations for each of 4·(3·(4·256² + 3·256·704) + 2048·256) weights and 7·T·d for attention's six products over half of T keys, and what is not of matrices.
// RUN: %python -c "n = int(open('%t.1').read()); least = 6 * 4 * (3 * (4 * 256**2 + 3 * 256 * 704) + 2048 * 256) + 4 * 3 * 7 * 256 * 256; assert least < n < 1.1 * least, (n, least)"
// The marks are gone.
// RUN: not grep -q recomputed %t.body

// Of an op by itself: what is marked does not count.
// RUN: nanochat-opt %s --nanochat-record-work | FileCheck %s
// CHECK: nanochat.program "" attributes {flops_per_token = 64 : i64}
// CHECK-NOT: recomputed
func.func @train.gradients(%x: tensor<2x4xf32> {nanochat.bind = #nanochat.bind<input, "x">}, %w: tensor<4x4xf32> {nanochat.bind = #nanochat.bind<parameter, "w">})
    -> (tensor<2x4xf32> {nanochat.bind = #nanochat.bind<output, "y">}) attributes {nanochat.entry = #nanochat.entry<gradients, "train">} {
  %a = nanochat.matmul %x, %w {nanochat.recomputed} : tensor<2x4xf32>, tensor<4x4xf32>
  %b = nanochat.matmul %x, %w : tensor<2x4xf32>, tensor<4x4xf32>
  return %b : tensor<2x4xf32>
}
