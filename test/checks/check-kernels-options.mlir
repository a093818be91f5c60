// What this machine cannot run or does not know is an error of the pass.
// REQUIRES: avx2
// RUN: not env NANOCHAT_NATIVE=x86-64-v3 nanochat-opt %s --nanochat-check-kernels=target=avx512-vnni 2>&1 | FileCheck %s --check-prefix=VNNI
// RUN: not env NANOCHAT_NATIVE=x86-64-v3 nanochat-opt %s --nanochat-check-kernels=target=x86-64-v3:bf16=true 2>&1 | FileCheck %s --check-prefix=BF16
// RUN: env NANOCHAT_NATIVE=x86-64-v3 nanochat-opt %s --nanochat-check-kernels=target=x86-64-v3
// RUN: not nanochat-opt %s --nanochat-check-kernels=target=x86-64-v3:vector_bits=255 2>&1 | FileCheck %s --check-prefix=BITS
// RUN: not nanochat-opt %s --nanochat-check-kernels="target=native tolerance=nan" 2>&1 | FileCheck %s --check-prefix=TOLERANCE
// RUN: not nanochat-opt %s --nanochat-check-kernels=target=sm_91 2>&1 | FileCheck %s --check-prefix=GPU
// RUN: not nanochat-opt %s --nanochat-check-kernels=target=sm_90:gemm_tile=64x64x9999999999 2>&1 | FileCheck %s --check-prefix=TILE
// RUN: not env NANOCHAT_NATIVE=x86-64-v9 nanochat-opt %s 2>&1 | FileCheck %s --check-prefix=NATIVE
// RUN: %python -c "import subprocess; assert subprocess.call(['nanochat-opt', r'%s', '--nanochat-check-kernels=target=sm_91']) == 2"
// VNNI: [[@LINE+10]]:1: error: kernels of this target take avx512f, avx512bw, avx512dq, avx512cd, avx512vl, avx512vnni, which this machine lacks
// BF16: error: kernels of this target take avx512vl, avx512bf16, which this machine lacks
// BITS: error: 'x86-64-v3:vector_bits=255' has an impossible fact; vector_bits: expected 256 or 512
// TOLERANCE: error: tolerance = nan: expected a number from zero
// GPU: error: 'sm_91' is no target; targets are native, cpu, avx512-bf16
// TILE: error: '64x64x9999999999' is no tile of matrix products
// NATIVE: error: NANOCHAT_NATIVE is 'x86-64-v9', which is no row that this machine runs
// NATIVE-NEXT: note: rows are avx512-bf16

#full = affine_map<(n) -> (n)>
func.func private @double(%x: tensor<37xf32>) -> tensor<37xf32> attributes {nanochat.kernel = #nanochat.kernel<pointwise>} {
  %empty = tensor.empty() : tensor<37xf32>
  %y = linalg.generic {indexing_maps = [#full, #full], iterator_types = ["parallel"]}
      ins(%x : tensor<37xf32>) outs(%empty : tensor<37xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %a, %a : f32
    linalg.yield %s : f32
  } -> tensor<37xf32>
  return %y : tensor<37xf32>
}
