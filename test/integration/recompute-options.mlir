// What is kept is no matter of results: parameters after five steps are the same bits whatever loops recompute and whenever codes are made, here
// with two micro-batches and gradients of integers.
// DEFINE: %{set} = --set d=64,heads=2,layers=2,n_loops=3,vocab=256,batch=2,seq=24,accum=2
// DEFINE: %{compile} = nanochat-opt %models/looplm.mlir --target=native %{set} --emit=exe
// DEFINE: %{same} = %python %S/compare_safetensors.py %t.w1
// DEFINE: %{train} = train --copy-task --steps 5 --eval-every 0 --threads 2 --save
// RUN: %{compile} -o %t.1 && %t.1 %{train} %t.w1
// RUN: %{compile} --recompute=layers=nothing,n_loops=nothing --codes=use -o %t.2 && %t.2 %{train} %t.w2 && %{same} %t.w2 0
// RUN: %{compile} --recompute=layers=body,n_loops=body --codes=use -o %t.3 && %t.3 %{train} %t.w3 && %{same} %t.w3 0
// RUN: %{compile} --recompute=layers=body,n_loops=cheap --codes=step -o %t.4 && %t.4 %{train} %t.w4 && %{same} %t.w4 0
// RUN: %{compile} --recompute=layers=cheap,n_loops=body --codes=use -o %t.5 && %t.5 %{train} %t.w5 && %{same} %t.w5 0
// RUN: %{compile} --recompute=layers=nothing,n_loops=body -o %t.6 && %t.6 %{train} %t.w6 && %{same} %t.w6 0
// The program says how it was made.
// RUN: %t.5 info | FileCheck %s
// CHECK: kept by    --recompute=layers=cheap,n_loops=body --codes=use
// A chunk changes the order of sums, and little else.
// RUN: %{compile} --chunk=16 -o %t.7 && %t.7 %{train} %t.w7 && not %{same} %t.w7 0
// RUN: %python %S/compare_safetensors.py %t.w1 %t.w7 1e-3
