// A kernel that no emitter takes says why, to those who ask (--why, remarks of mlir-opt, --plan), and is plain loops.
// RUN: nanochat-opt %S/../Inputs/dense.mlir --target=x86-64-v3 --optimizer matrix=soap --set batch=1 --why --plan -o %t.plan 2> %t.remarks
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t.remarks
// RUN: FileCheck %s --check-prefix=PLAN --input-file=%t.plan
// REMARK: remark: [Missed] apart {{.*}}a kernel of its own, apart from what it reads:
// REMARK: remark: [Missed] plain {{.*}}is plain loops: no emitter is for its class, generic
// PLAN: kernels are plain loops, one task each:
// PLAN-NEXT: no emitter is for its class, generic: generic_
// RUN: nanochat-opt %s --nanochat-set-target=target=x86-64-v3 --nanochat-emit-kernels | FileCheck %s
// RUN: nanochat-opt %s --nanochat-set-target=target=x86-64-v3 --nanochat-emit-kernels --remark-format=emitRemark --remarks-filter-missed=emit -o /dev/null 2>&1 | FileCheck %s --check-prefix=MISSED
// RUN: nanochat-opt %S/../Inputs/dense.mlir --target=x86-64-v3 --plan | FileCheck %s --check-prefix=NONE
// NONE-NOT: plain loops

// MISSED: kernel @slices is plain loops: products of slices are emitted for GPUs alone
// CHECK: func.func private @slices(%arg0: tensor<{{.*}}nanochat.declined = "products of slices are emitted for GPUs alone"
func.func private @slices(%x: tensor<2x5x7xf32>, %y: tensor<2x6x7xf32>, %z: tensor<2x5x6xf32>) -> tensor<2x5x6xf32> attributes {nanochat.kernel = #nanochat.kernel<gemm, inplace = [-1]>} {
  %w = linalg.generic {indexing_maps = [affine_map<(s, m, n, k) -> (s, m, k)>, affine_map<(s, m, n, k) -> (s, n, k)>, affine_map<(s, m, n, k) -> (s, m, n)>],
                       iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %y : tensor<2x5x7xf32>, tensor<2x6x7xf32>) outs(%z : tensor<2x5x6xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<2x5x6xf32>
  return %w : tensor<2x5x6xf32>
}
