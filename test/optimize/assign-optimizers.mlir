// RUN: nanochat-opt %models/looplm.mlir --nanochat-assign-optimizers="assign=matrix=galore:rank=64:clip=projected:lr=0.01,norm+gate=lion" | FileCheck %s

// A scalar and a schedule of its own; the roles leave the rule they had, which goes with its last role.
// CHECK: } update {
// CHECK: %[[PEAK:.*]] = nanochat.scalar "matrix.lr" = 1.000000e-02
// CHECK: %[[RATE:.*]] = nanochat.wsd %[[PEAK]], %{{.*}}, %{{.*}} warmup = warmup decay = decay
// CHECK-NOT: "muon"
// CHECK: nanochat.optimizer "galore" for ["matrix"] lr(%[[RATE]]) weight_decay(%{{.*}}) grad_scale(%{{.*}}) {config = {clip = "projected", rank = 64 : i64}}
// CHECK: nanochat.optimizer "lion" for ["norm", "gate"] lr(%{{.*}}) weight_decay(%{{.*}}) grad_scale(%{{.*}})
// CHECK: nanochat.optimizer "adamw" for ["embedding"] lr(

// DEFINE: %{plan} = not nanochat-opt %models/looplm.mlir --target=native --plan --optimizer
// RUN: %{plan} matrix=galore:rank=64 2>&1 | FileCheck %s --check-prefix=CLIP
// CLIP: looplm.mlir:{{.*}} error: {{.*}} scales gradients by a factor of their global norm, but 'galore' keeps them as projections only
// CLIP: note: say that the norm of projections is meant, config = {clip = "projected"}, or leave out grad_scale
// RUN: %{plan} matx=muon 2>&1 | FileCheck %s --check-prefix=ROLE
// ROLE: error: --optimizer matx=muon: no parameters have the role 'matx'; the model assigns optimizers to embedding, gate, matrix, norm
// RUN: %{plan} matrix=moun 2>&1 | FileCheck %s --check-prefix=RULE
// RULE: error: {{.*}} names the unknown update rule 'moun'
// RUN: %{plan} matrix=muon8:block=many 2>&1 | FileCheck %s --check-prefix=TYPE
// TYPE: error: {{.*}} of rule 'muon8': attribute 'block' failed to satisfy constraint
// RUN: %{plan} matrix=muon8:lr=high 2>&1 | FileCheck %s --check-prefix=LR
// LR: error: --optimizer matrix=muon8:lr=high: the scalar 'lr' cannot be replaced by high
// RUN: %{plan} norm=muon8 2>&1 | FileCheck %s --check-prefix=RANK
// RANK: error: {{.*}} has 1 dimensions of its own, but 'muon8' updates parameters of 2
