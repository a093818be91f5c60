// RUN: nanochat-opt %models/looplm.mlir --target=native --plan | FileCheck %s
// RUN: nanochat-opt %models/looplm.mlir --target=native --plan=json | %python -c "import json, sys; p = json.load(sys.stdin); assert p['total_bytes'] == sum(c['bytes'] for c in p['memory']) > sum(p['arena_bytes'].values()) == p['arenas_total_bytes']; assert {b['use'] for b in p['workspace']} == {'saved', 'head', 'working_copies', 'workspace'}; assert all(b['of'] for b in p['workspace']); assert p['time']['seconds_per_step'] >= p['time']['floor_seconds'] > 0; assert all(b['bytes'] > 0 for b in p['workspace']); assert any(d['calls'] == 12 and d['operations'] > 2 * 2048 * 256 * 704 and d['arithmetic'] == 'int8' and d['bytes'] > 2048 * 256 + 256 * 704 // 4 for d in p['dispatches'])"
// RUN: not nanochat-opt %models/looplm.mlir --target=native --plan=xml 2>&1 | FileCheck %s --check-prefix=FORM
// RUN: not nanochat-opt %models/looplm.mlir --target=native --plan --emit=obj 2>&1 | FileCheck %s --check-prefix=TWO

// 3 layers of 4·256² + 3·256·704 weights and 4 norms, the embedding, the last norm, the gate.
// CHECK: looplm_tiny for {{.*}}: accum=1 batch=8 layers=3 n_loops=4 seq=256
// CHECK: parameters stored {{ *}}2,936,321
// CHECK: parameters effective {{ *}}10,172,420
// CHECK: FLOPs per token, training
// CHECK: predicted time of a step {{.*}} tokens/s
// CHECK: gemm int8
// CHECK: memory {{ *}}bytes
// CHECK: masters {{ *}}11,745,344
// CHECK: total
// CHECK: param {{ *}}11,745,344
// CHECK: workspace
// CHECK: train.gradients tensor<
// CHECK: calls {{ *}}bytes {{ *}}operations {{ *}}per byte
// CHECK: int8 {{ *}}train.gradients gemm_2048x704

// FORM: error: --plan=xml is not known
// FORM: note: write --plan for a table, --plan=json or --plan=html
// TWO: error: --plan prints the plan and excludes --stop-after and --emit
