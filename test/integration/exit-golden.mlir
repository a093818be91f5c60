// The published golden exit: probabilities, loss and the gradient of the gates' inputs, through the compiler's own
// differentiation, in every precision it has.
// REQUIRES: numpy
// DEFINE: %{options} = --target=native
// DEFINE: %{check} = nanochat-opt %S/../Inputs/exits.mlir %{options} --emit=exe -o %t.exe && \
// DEFINE:   %python-numpy %S/exit_golden.py make %t.params && %python %S/make_batch.py 2 2 %t.bin && \
// DEFINE:   %t.exe grad --init %t.params --batch %t.bin --out %t.grads && \
// DEFINE:   %python-numpy %S/exit_golden.py check %t.grads
// RUN: %{check} 1e-6
// REDEFINE: %{options} = --target=reference --precision=f64
// RUN: %{check} 1e-7
