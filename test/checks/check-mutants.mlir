// Without any of its waits, permutations and strides, a kernel for GPUs is wrong, and the emulator sees it.
// RUN: sed -e 's/nanochat.class = "none"/other/' %s > %t.products.mlir
// RUN: nanochat-opt %t.products.mlir --nanochat-check-mutants=target=sm_90:gemm_tile=64x64x3 -o /dev/null | FileCheck %s
// RUN: sed -e 's/nanochat.class = "[gr][a-z]*"/other/; s/"none"/"attention"/' %s > %t.mlir
// RUN: nanochat-opt %t.mlir --nanochat-check-mutants="target=sm_90 tolerance=3e-2" -o /dev/null | FileCheck %s --check-prefix=ATTENTION

#mk = affine_map<(m, n, k) -> (m, k)>
#km = affine_map<(m, n, k) -> (k, m)>
#nk = affine_map<(m, n, k) -> (n, k)>
#kn = affine_map<(m, n, k) -> (k, n)>
#mn = affine_map<(m, n, k) -> (m, n)>
#full = affine_map<(m, n) -> (m, n)>
#row = affine_map<(m, n) -> (m)>
#column = affine_map<(m, n) -> (n)>

// CHECK: copied: [[#]] mutants
func.func private @copied(%x: tensor<70x264xbf16>, %y: tensor<66x264xbf16>) -> tensor<70x66xf32> attributes {nanochat.class = "gemm", nanochat.inplace = array<i64: -1>} {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<70x66xf32>
  %start = linalg.fill ins(%zero : f32) outs(%empty : tensor<70x66xf32>) -> tensor<70x66xf32>
  %z = linalg.generic {indexing_maps = [#mk, #nk, #mn], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %y : tensor<70x264xbf16>, tensor<66x264xbf16>) outs(%start : tensor<70x66xf32>) {
  ^bb0(%a: bf16, %b: bf16, %c: f32):
    %aw = arith.extf %a : bf16 to f32
    %bw = arith.extf %b : bf16 to f32
    %p = arith.mulf %aw, %bw : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<70x66xf32>
  return %z : tensor<70x66xf32>
}

// CHECK: computed: [[#]] mutants
func.func private @computed(%x: tensor<137x70xf32>, %y: tensor<137x66xf32>) -> tensor<70x66xf32> attributes {nanochat.class = "gemm", nanochat.inplace = array<i64: -1>} {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<70x66xf32>
  %start = linalg.fill ins(%zero : f32) outs(%empty : tensor<70x66xf32>) -> tensor<70x66xf32>
  %z = linalg.generic {indexing_maps = [#km, #kn, #mn], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %y : tensor<137x70xf32>, tensor<137x66xf32>) outs(%start : tensor<70x66xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<70x66xf32>
  return %z : tensor<70x66xf32>
}

// CHECK: columns: [[#]] mutants
func.func private @columns(%x: tensor<70x100xf32>, %old: tensor<100xf32>) -> (tensor<100xf32>, tensor<70x100xf32>) attributes {nanochat.class = "rowwise", nanochat.inplace = array<i64: 1, -1>} {
  %sums = linalg.generic {indexing_maps = [#full, #column], iterator_types = ["reduction", "parallel"]} ins(%x : tensor<70x100xf32>) outs(%old : tensor<100xf32>) {
  ^bb0(%a: f32, %c: f32):
    %s = arith.addf %c, %a : f32
    linalg.yield %s : f32
  } -> tensor<100xf32>
  %empty = tensor.empty() : tensor<70x100xf32>
  %y = linalg.generic {indexing_maps = [#full, #column, #full], iterator_types = ["parallel", "parallel"]} ins(%x, %sums : tensor<70x100xf32>, tensor<100xf32>) outs(%empty : tensor<70x100xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    linalg.yield %p : f32
  } -> tensor<70x100xf32>
  return %sums, %y : tensor<100xf32>, tensor<70x100xf32>
}

// ATTENTION: forward: [[#]] mutants
func.func private @forward(%q: tensor<400x64xf32>, %k: tensor<400x32xf32>, %v: tensor<400x32xf32>) -> (tensor<400x64xf32>, tensor<400x4xf32>) attributes {nanochat.class = "none", nanochat.inplace = array<i64: -1, -1>} {
  %y, %lse = nanochat.attention %q, %k, %v heads = 4 kv_heads = 2 seq = 200 : tensor<400x64xf32>, tensor<400x32xf32>, tensor<400x32xf32>
  return %y, %lse : tensor<400x64xf32>, tensor<400x4xf32>
}

// ATTENTION: forward_copies: [[#]] mutants
func.func private @forward_copies(%q: tensor<400x64xbf16>, %k: tensor<400x32xbf16>, %v: tensor<400x32xbf16>) -> (tensor<400x64xf32>, tensor<400x4xf32>) attributes {nanochat.class = "none", nanochat.inplace = array<i64: -1, -1>} {
  %y, %lse = nanochat.attention %q, %k, %v heads = 4 kv_heads = 2 seq = 200 rounded : tensor<400x64xbf16>, tensor<400x32xbf16>, tensor<400x32xbf16>
  return %y, %lse : tensor<400x64xf32>, tensor<400x4xf32>
}

// ATTENTION: backward_copies: [[#]] mutants
func.func private @backward_copies(%q: tensor<400x64xbf16>, %k: tensor<400x32xbf16>, %v: tensor<400x32xbf16>, %delta: tensor<400x4xf32>, %lse: tensor<400x4xf32>, %dy: tensor<400x64xbf16>)
    -> (tensor<400x64xf32>, tensor<400x32xf32>, tensor<400x32xf32>) attributes {nanochat.class = "none", nanochat.inplace = array<i64: -1, -1, -1>} {
  %dq, %dk, %dv = nanochat.attention_grad %q, %k, %v, %lse, %dy delta = %delta : tensor<400x4xf32> heads = 4 kv_heads = 2 seq = 200 rounded
    : tensor<400x64xbf16>, tensor<400x32xbf16>, tensor<400x32xbf16>, tensor<400x4xf32>, tensor<400x64xbf16>
  return %dq, %dk, %dv : tensor<400x64xf32>, tensor<400x32xf32>, tensor<400x32xf32>
}
