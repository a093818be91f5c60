// Two micro-batches are one batch of twice the size: loss, gradients, what is logged; dense and ternary.
// RUN: rm -rf %t.d && sed 's/nanochat.linear /nanochat.ternary_linear /' %S/../Inputs/looped.mlir > %t.ternary.mlir
// RUN: nanochat-opt %S/../Inputs/dense.mlir --set accum=2 --target=native --emit=exe -o %t.two
// RUN: nanochat-opt %S/../Inputs/dense.mlir --set batch=4 --target=native --emit=exe -o %t.one
// RUN: %t.one train --data %S/../../dialect/ops --ext cpp --steps 3 --eval-every 0 --save-init %t.init --log %t.one.jsonl
// RUN: %t.two train --data %S/../../dialect/ops --ext cpp --steps 3 --eval-every 0 --log %t.two.jsonl
// RUN: %python %S/compare_logs.py %t.one.jsonl %t.two.jsonl 1e-4
// RUN: %python %S/make_batch.py 64 257 %t.bin
// RUN: %t.one grad --init %t.init --batch %t.bin --out %t.g1
// RUN: %t.two grad --init %t.init --batch %t.bin --out %t.g2
// RUN: %python %S/compare_safetensors.py %t.g1 %t.g2 1e-5

// A ternary LoopLM: its nll and exit probabilities are per micro-batch, loop and token. 16-bit gradients would have other
// scales where a batch is cut, hence f32.
// RUN: nanochat-opt %t.ternary.mlir --backward=f32 --set accum=2 --target=native --emit=exe -o %t.two
// RUN: nanochat-opt %t.ternary.mlir --backward=f32 --set batch=4 --target=native --emit=exe -o %t.one
// RUN: %t.one train --data %S/../../dialect/ops --ext cpp --steps 3 --eval-every 0 --save-init %t.init --log %t.one.jsonl --lr 0.001
// RUN: %t.two train --data %S/../../dialect/ops --ext cpp --steps 3 --eval-every 0 --log %t.two.jsonl --lr 0.001 --dump-dispatches %t.d
// RUN: %python %S/compare_logs.py %t.one.jsonl %t.two.jsonl 1e-4
// RUN: FileCheck %s --check-prefix=LOG --input-file=%t.two.jsonl
// LOG: "loss": {{.*}} "bpb": {{.*}} "exit_depth":
// RUN: %t.one grad --init %t.init --batch %t.bin --out %t.g1
// RUN: %t.two grad --init %t.init --batch %t.bin --out %t.g2
// RUN: %python %S/compare_safetensors.py %t.g1 %t.g2 1e-5 loss grad_norm grad.embed grad.layers.q grad.layers.norm1 grad.layers.down grad.norm grad.exit.w grad.exit.b
// Other tokens have other gradients.
// RUN: %python %S/make_batch.py 65 257 %t.other && tail -c 256 %t.other > %t.bin
// RUN: %t.two grad --init %t.init --batch %t.bin --out %t.g3
// RUN: not %python %S/compare_safetensors.py %t.g1 %t.g3 1e-5 grad.layers.q
// The record of such a step.
// RUN: nanochat-opt %t.ternary.mlir --backward=f32 --set accum=2 --target=native --check-dispatches=%t.d --check-gradients=%t.d | FileCheck %s
// RUN: rm -rf %t.d
// CHECK: 0 errors
// CHECK: check-gradients: {{[0-9]+}} results
