// Sizes of configurations: widths of the unit follow where they are not said, in whole groups of ternary weights.
// 24 layers of 4·2048² + 3·2048·5632 weights and 4 norms, the embedding, the last norm, the gate; and so on.
// DEFINE: %{plan} = nanochat-opt %models/looplm.mlir --target=x86-64-v3 --plan --config
// RUN: %{plan}=%source/configs/config_a_threadripper_blackwell.toml | FileCheck %s --check-prefix=A
// A: looplm for x86-64-v3: accum=4 batch=32 layers=24 n_loops=4 seq=8192
// A: parameters stored {{ *}}1,336,252,417
// RUN: %{plan}=%source/configs/config_b_9800x3d_dual4090.toml | FileCheck %s --check-prefix=B
// B: looplm for x86-64-v3: accum=8 batch=4 layers=20 n_loops=4 seq=4096
// B: parameters stored {{ *}}643,551,745
// RUN: %{plan}=%source/configs/config_c_dual_epyc_4090.toml | FileCheck %s --check-prefix=C
// C: looplm for x86-64-v3: accum=2 batch=24 layers=22 n_loops=4 seq=6144
// C: parameters stored {{ *}}948,088,065

// --set wins, and groups are those of the configuration.
// RUN: nanochat-opt %models/looplm.mlir --target=native --config=%source/configs/config_a_threadripper_blackwell.toml --set d=384,layers=2,heads=6,batch=1,seq=64 --stop-after=model | FileCheck %s --check-prefix=SET
// SET: sizes = {accum = 4 : i64, batch = 1 : i64, layers = 2 : i64, n_loops = 4 : i64, seq = 64 : i64}
// SET: "layers.gate" normal(6.000000e-02) role "matrix" stack "layers" : tensor<2x1152x384xf32>
// SET: nanochat.ternary_linear %{{.*}} group = 128 : tensor<64x384xf32>

// RUN: printf '[model]\ndim = 100\nn_heads = 8\n' > %t.toml && not nanochat-opt %models/looplm.mlir --target=native --config=%t.toml --plan 2>&1 | FileCheck %s --check-prefix=ODD
// ODD: looplm.mlir:[[#]]:[[#]]: error: size 'head' = d / heads is 12.5, expected a whole number from 0 to 2147483647
// ODD: note: 'd' is 100, as {{.*}}.toml:2:7: model.dim says
// ODD: note: 'heads' is 8, as {{.*}}.toml:3:11: model.n_heads says
// RUN: printf '[model]\ndimm = 100\n' > %t.toml && not nanochat-opt %models/looplm.mlir --target=native --config=%t.toml --plan 2>&1 | FileCheck %s --check-prefix=KEY
// KEY: toml:2:1: unknown key 'model.dimm', did you mean 'model.dim'?
// RUN: printf '[model]\ndim = 100\n' > %t.toml && not nanochat-opt %models/copy-tiny.mlir --target=native --config=%t.toml --plan 2>&1 | FileCheck %s --check-prefix=PLAIN
// PLAIN: copy-tiny.mlir:[[#]]:[[#]]: error: {{.*}}.toml:2:7: model.dim: the model has no size 'd'
// PLAIN: note: sizes are batch, seq, accum and the names of its loops
