// Neither layers nor loops make the program longer: in every stage up to the plan, the same number of
// each op for 24 and 48 layers, 4 and 16 loops.
// RUN: nanochat-opt %S/../../models/looplm-a.mlir --target=native --stop-after=differentiate | nanochat-opt --print-op-stats -o /dev/null 2> %t.d
// RUN: nanochat-opt %S/../../models/looplm-a.mlir --target=native --stop-after=differentiate --set layers=48 --set n_loops=16 | nanochat-opt --print-op-stats -o /dev/null 2> %t.d2
// RUN: nanochat-opt %S/../../models/looplm-a.mlir --target=native --stop-after=optimize | nanochat-opt --print-op-stats -o /dev/null 2> %t.o
// RUN: nanochat-opt %S/../../models/looplm-a.mlir --target=native --stop-after=optimize --set layers=48 --set n_loops=16 | nanochat-opt --print-op-stats -o /dev/null 2> %t.o2
// RUN: nanochat-opt %S/../../models/looplm-a.mlir --target=native --stop-after=fuse | nanochat-opt --print-op-stats -o /dev/null 2> %t.f
// RUN: nanochat-opt %S/../../models/looplm-a.mlir --target=native --stop-after=fuse --set layers=48 --set n_loops=16 | nanochat-opt --print-op-stats -o /dev/null 2> %t.f2
// RUN: nanochat-opt %S/../../models/looplm-a.mlir --target=native --stop-after=plan | nanochat-opt --print-op-stats -o /dev/null 2> %t.p
// RUN: nanochat-opt %S/../../models/looplm-a.mlir --target=native --stop-after=plan --set layers=48 | nanochat-opt --print-op-stats -o /dev/null 2> %t.p2
// RUN: nanochat-opt %S/../../models/looplm-a.mlir --target=native --stop-after=plan --set n_loops=16 | nanochat-opt --print-op-stats -o /dev/null 2> %t.p3
// RUN: grep -q 'nanochat.launch' %t.p
// RUN: cmp %t.d %t.d2 && cmp %t.o %t.o2 && cmp %t.f %t.f2 && cmp %t.p %t.p2 && cmp %t.p %t.p3
