// Every value is where the plan says it is when something reads it: loops of odd and even counts, micro-batches, projected gradients, masters and
// streams of bf16, exchanges in loops and around them, with fusion and without.
// DEFINE: %{check} = %python %S/check_places.py nanochat-opt
// RUN: %{check} %S/../Inputs/dense.mlir --target=x86-64-v3
// RUN: %{check} %S/../Inputs/looped.mlir --target=reference --set accum=2
// RUN: %{check} %S/../Inputs/untied.mlir --target=x86-64-v3
// RUN: %{check} %S/../Inputs/mtp-kinds.mlir --target=x86-64-v3
// RUN: %{check} %S/update-places.mlir --target=reference
// RUN: %{check} %models/looplm.mlir --target=x86-64-v3 --set d=32,heads=1,head=32,vocab=64,batch=1,seq=16,layers=2,n_loops=3,accum=3 --codes=use --recompute=layers=body,n_loops=body
// RUN: %{check} %models/looplm.mlir --target=sm_90 --set d=32,heads=1,head=32,vocab=64,batch=1,seq=16,layers=2,n_loops=2 --masters=matrix=bf16,embedding=bf16 --stream=layers=bf16 --optimizer matrix=galore:rank=8:clip=projected
// RUN: %{check} %S/../integration/update-in-backward.mlir --target=x86-64-v3 --update=backward --masters=matrix=int8
// DEFINE: %{apart} = %{check} %models/looplm.mlir --set d=64,heads=1,head=64,ffn=128,vocab=64,seq=16 --shard=weights --ranks=2
// RUN: %{apart} --target=reference --set batch=2,layers=18,n_loops=2
// RUN: %{apart} --target=x86-64-v3 --set batch=4,layers=19,n_loops=3 --ways=4
// RUN: %{apart} --target=x86-64-v3 --set batch=2,layers=19,n_loops=2,accum=3 --recompute=layers=body,n_loops=body
// RUN: %{apart} --target=x86-64-v3 --set batch=2,layers=18,n_loops=3 --overlap=off
// RUN: %{check} %S/../Inputs/odd-layers.mlir --set batch=4,seq=4 --target=x86-64-v3 --shard=weights --ranks=2
// RUN: %{check} %S/../Inputs/odd-layers.mlir --set batch=6,seq=4 --target=reference --shard=weights --ranks=3 --ways=6
// RUN: %{check} %models/looplm.mlir --set d=64,heads=1,head=64,ffn=128,vocab=64,batch=2,seq=16,layers=18,n_loops=2 --target=x86-64-v3 --shard=states --ranks=2
