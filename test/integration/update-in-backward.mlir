// Stacked parameters are updated where their gradients are formed: the same bits, and no stack of gradients.
// REQUIRES: numpy
// RUN: %python %S/update-in-backward.py nanochat-opt %s %t
// RUN: nanochat-opt %s --target=native --update=backward --stop-after=optimize | FileCheck %s
// CHECK-LABEL: func.func @train.gradients
// CHECK-SAME: %[[COUNT:[a-z0-9]+]]: tensor<f32> {nanochat.bind = #nanochat.bind<state, "layers.w.count">}
// CHECK: nanochat.loop "layers" = 3 {{.*}} reverse
// CHECK: nanochat.grad_norm
// CHECK: nanochat.adamw {{.*}}, %[[COUNT]]
// CHECK: arith.select
// CHECK: return
// CHECK-LABEL: func.func @train.update
// CHECK-NOT: "layers.w"
// CHECK-SAME: #nanochat.bind<state, "layers.w.count">
// CHECK: return

// Nothing changes that is not finite, nor by what is not.
// RUN: nanochat-opt %s --target=native --update=backward --emit=exe -o %t.exe
// RUN: %t.exe train --copy-task --steps 0 --save-init %t.i && %python-numpy %S/update-in-backward-overflow.py %t.exe %t.i %t
// A record of such a step.
// RUN: rm -rf %t.d && %t.exe train --copy-task --eval-every 0 --steps 1 --dump-dispatches %t.d
// RUN: nanochat-opt %s --target=native --update=backward --check-dispatches=%t.d
// The norm that is told is that of gradients before they are scaled.
// RUN: sed 's/^  %wd = nanochat/  %half = nanochat.scalar "half" = 0.5 : tensor<f32>\n  %wd = nanochat/; s/weight_decay(%wd) :/weight_decay(%wd) grad_scale(%half) : tensor<f32>,/' %s > %t.scaled.mlir
// RUN: nanochat-opt %t.scaled.mlir --target=native --emit=exe -o %t.after && nanochat-opt %t.scaled.mlir --target=native --update=backward --emit=exe -o %t.backward
// RUN: %t.after train --copy-task --steps 3 --eval-every 0 --log %t.1 && %t.backward train --copy-task --steps 3 --eval-every 0 --log %t.2
// RUN: %python -c "import json; a, b = ([json.loads(line) for line in open(p)] for p in ('%t.1', '%t.2')); assert len(a) == 3 and all(x['loss'] == y['loss'] and abs(x['grad_norm'] / y['grad_norm'] - 1) < 1e-5 for x, y in zip(a, b)), (a, b)"
// Heads whose loss is formed in the loop of their gradients are updated later.
// RUN: not nanochat-opt %S/../Inputs/mtp-kinds.mlir --target=native --update=backward --plan 2>&1 | FileCheck %s --check-prefix=LATER
// LATER: mtp-kinds.mlir:[[#]]:3: error: {{.*}} cannot update in the backward pass: the loss is known once the loop is over that forms the gradient of 'mtp.words'
// Gradients that are used up are not to be had.
// RUN: %python -c "open('%t.batch', 'wb').write(bytes(2 * 16 * 4))"
// RUN: not %t.exe grad --init %t.i --batch %t.batch --out %t.g 2>&1 | FileCheck %s --check-prefix=GRAD
// GRAD: error: the program updates parameters where their gradients are formed, and keeps none of these
// GRAD: note: compile it with --update=after to have them
// A budget leaves it one micro-batch, of all sequences.
// RUN: sed 's/ grad_scale(%clip)//; s/batch = 2, seq = 8/batch = 2, accum = 2, seq = 8/; s/seq = seq$/seq = seq accum = accum/' %S/../Inputs/sized.mlir > %t.sized.mlir
// RUN: env NANOCHAT_CACHE=%t.cache nanochat-opt %t.sized.mlir --target=sm_90 --set seq=8 --update=backward --budget=16GB --plan | FileCheck %s --check-prefix=FIXED
// FIXED: with --set batch=4,accum=1 {{.*}}--update=backward
// Chosen by a search, where no option says otherwise.
// RUN: env NANOCHAT_CACHE=%t.cache nanochat-opt %s --target=sm_90 --budget=524.79MB --plan=json | FileCheck %s --check-prefix=LEAN
// LEAN: "options": "{{.*}}accum=1 {{.*}}--update=backward"

// RUN: not nanochat-opt %s --target=native --update=backward --optimizer=matrix=galore:rank=4 --plan 2>&1 | FileCheck %s --check-prefix=PROJECTED
// PROJECTED: update-in-backward.mlir:[[#]]:3: error: 'nanochat.galore' op cannot update in the backward pass: the rule has gradients of 'layers.w' projected
// PROJECTED: note: --update=after keeps gradients until the backward pass is over
// RUN: not nanochat-opt %s --target=native --update=backward --optimizer=matrix=muon8:block=8192 --plan 2>&1 | FileCheck %s --check-prefix=BLOCKS
// BLOCKS: error: {{.*}} cannot update in the backward pass: its state 'layers.w.momentum.codes' is not one for each matrix
// RUN: not nanochat-opt %models/looplm.mlir --target=native --update=backward --plan 2>&1 | FileCheck %s --check-prefix=SHARED
// SHARED: looplm.mlir:[[#]]:3: error: {{.*}} cannot update in the backward pass: 'layers.norm1' is shared
// RUN: not nanochat-opt %models/looplm.mlir --target=native --update=backward --set accum=2 --plan 2>&1 | FileCheck %s --check-prefix=SUMS
// SUMS: error: {{.*}} cannot update in the backward pass: gradients are sums over 2 micro-batches (accum)
// RUN: not nanochat-opt %models/gpt2-124m.mlir --target=native --update=backward --plan 2>&1 | FileCheck %s --check-prefix=NORM
// NORM: gpt2-124m.mlir:[[#]]:3: error: {{.*}} cannot update in the backward pass: it scales by a factor of the global norm
// RUN: not nanochat-opt %s --target=native --update=before --plan 2>&1 | FileCheck %s --check-prefix=WORD
// WORD: error: --update=before is not known
nanochat.model @m {
  %tokens, %targets = nanochat.tokens batch = 2 seq = 8
  %E = nanochat.param "embed" normal(0.5) role "embedding" : tensor<257x64xf32>
  %W = nanochat.param "layers.w" normal(0.2) role "matrix" stack "layers" : tensor<3x64x64xf32>
  %B = nanochat.param "layers.b" constant(0.0) role "bias" stack "layers" : tensor<3x64xf32>
  %e = nanochat.embedding %tokens, %E : tensor<16xi32>, tensor<257x64xf32>
  %h = nanochat.loop "layers" = 3 carry(%x = %e : tensor<16x64xf32>) slice(%w = %W : tensor<3x64x64xf32>, %b = %B : tensor<3x64xf32>) {
    %y = nanochat.linear %x, %w bias %b : tensor<16x64xf32>, tensor<64x64xf32> bias tensor<64xf32>
    %z = nanochat.gelu %y : tensor<16x64xf32>
    %n = arith.addf %x, %z : tensor<16x64xf32>
    nanochat.yield %n : tensor<16x64xf32>
  }
  %loss, %nll = nanochat.linear_cross_entropy %h, %E, %targets : tensor<16x64xf32>, tensor<257x64xf32>, tensor<16xi32>
  nanochat.objective "train" %loss : tensor<f32>
} update {
  %lr = nanochat.scalar "lr" = 1.0e-2 : tensor<f32>
  %wd = nanochat.scalar "weight_decay" = 0.1 : tensor<f32>
  nanochat.optimizer "adamw" for ["embedding", "matrix", "bias"] lr(%lr) weight_decay(%wd) : tensor<f32>, tensor<f32>
}
