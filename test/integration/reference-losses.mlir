// Tokens scored by what another model's loss is at each: `score` writes these losses for its training tokens, `train --reference` reads them.
// REQUIRES: numpy
// DEFINE: %{small} = --target=native --emit=exe --set batch=2,seq=33,d=64,n_loops=2,layers=1
// DEFINE: %{excess} = sed 's/filter(%last_nll/filter(%excess/; s/^  nanochat.objective "train"/  %reference = nanochat.token_values "reference" like %h0\n  %excess = arith.subf %last_nll, %reference : tensor<?xf32>\n&/'
// RUN: %{excess} %models/looplm.mlir > %t.mlir
// RUN: nanochat-opt %models/looplm.mlir %{small} -o %t.ref && nanochat-opt %t.mlir %{small},keep=0.5 -o %t.exe
// RUN: %python %S/reference_losses.py text %t.rs 3000 && %python %S/reference_losses.py text %t.other.rs 2000
// RUN: %t.ref train --data %t.rs --eval-every 0 --steps 2 --save %t.p
// RUN: %t.ref score --data %t.rs --init %t.p --out %t.losses | FileCheck %s --check-prefix=SCORE
// SCORE: mean loss {{[0-9.]+}}, written to
// At the first tokens they are what the model's own losses are there.
// RUN: %python %S/reference_losses.py batch %t.rs 2 33 %t.bin && %t.ref grad --init %t.p --batch %t.bin --out %t.g && %python-numpy %S/reference_losses.py check %t.losses %t.g 33

// DEFINE: %{train} = train --data %t.rs --eval-every 0 --steps 2
// RUN: %t.exe %{train} --reference %t.losses --save %t.a && %t.exe %{train} --reference %t.losses --threads 1 --save %t.b && cmp %t.a %t.b
// RUN: %t.exe train --copy-task --eval-every 0 --steps 1
// Without losses of another it is the model's own that counts; with twice these, tokens are kept that had the least.
// RUN: nanochat-opt %models/looplm.mlir %{small},keep=0.5 -o %t.own && %t.own grad --init %t.p --batch %t.bin --out %t.g
// RUN: %python-numpy %S/reference_losses.py extend %t.bin %t.g 0 %t.zero && %t.exe grad --init %t.p --batch %t.zero --out %t.h && %python %S/compare_safetensors.py %t.g %t.h 0
// RUN: %python-numpy %S/reference_losses.py extend %t.bin %t.g 2 %t.twice && %t.exe grad --init %t.p --batch %t.twice --out %t.h && not %python %S/compare_safetensors.py %t.g %t.h 0.1 grad.embed

// RUN: not %t.exe %{train} 2>&1 | FileCheck %s --check-prefix=MISSING
// MISSING: error: no --reference: the model scores tokens by what another model's loss is at each
// RUN: not %t.exe train --data %t.other.rs --eval-every 0 --steps 2 --reference %t.losses 2>&1 | FileCheck %s --check-prefix=OTHER
// OTHER: error: --reference: '{{.*}}.losses' has no losses for the training tokens: it is of other data
// RUN: not %t.exe %{train} --reference %t.p 2>&1 | FileCheck %s --check-prefix=MODEL
// MODEL: error: --reference: '{{.*}}' has no losses for the training tokens
// RUN: %python-numpy %S/reference_losses.py spoil %t.losses %t.bad && not %t.exe %{train} --reference %t.bad 2>&1 | FileCheck %s --check-prefix=BAD
// BAD: error: --reference: '{{.*}}.bad' has the loss nan for token 7
// RUN: %t.own %{train} --reference %t.losses 2>&1 | FileCheck %s --check-prefix=UNREAD
// UNREAD: warning: --reference changes nothing: phase 'train' of the model reads no losses of another
// RUN: not %t.ref score --copy-task --init %t.p --out %t.x 2>&1 | FileCheck %s --check-prefix=COPY
// COPY: error: --copy-task
// RUN: not %t.ref score --data %t.rs --init %t.p --out %t.p 2>&1 | FileCheck %s --check-prefix=SAME
// SAME: error: {{.*}}--out
// RUN: sed 's/"reference" like/"references" like/' %t.mlir > %t.bad.mlir && not nanochat-opt %t.bad.mlir --target=native 2>&1 | FileCheck %s --check-prefix=NAME
// NAME: error: 'nanochat.token_values' op has the name 'references'; what programs read from a file is 'reference'
