// A gradient that GaLore projects where its terms are formed is the projection of the gradient; where there is one term,
// its basis is nearly the best.
// REQUIRES: numpy
// DEFINE: %{sizes} = n_loops=2,accum=2
// DEFINE: %{exact} =
// DEFINE: %{options} = %models/looplm.mlir --target=native --emit=exe --set batch=2,seq=33,layers=2 --set %{sizes}
// DEFINE: %{check} = rm -rf %t.p %t.w && nanochat-opt %{options} --optimizer matrix=galore:rank=24:clip=projected -o %t.exe && \
// DEFINE:   %t.exe train --copy-task --steps 1 --dump-dispatches %t.p && nanochat-opt %{options} -o %t.exe && \
// DEFINE:   %t.exe train --copy-task --steps 1 --dump-dispatches %t.w && %python-numpy %S/projected_gradients.py %t.p %t.w %{exact}
// RUN: %{check}
// REDEFINE: %{sizes} = n_loops=1,accum=1
// REDEFINE: %{exact} = exact
// RUN: %{check}
// RUN: rm -rf %t.p %t.w
