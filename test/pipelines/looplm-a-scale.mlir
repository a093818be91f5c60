// Neither layers nor loops make the program longer: after every stage the same number of each op for 24 and 48
// layers, 4 and 16 loops. Constants aside once kernels are loops: equal numbers are one constant.
// DEFINE: %{stage} = model
// DEFINE: %{filter} = cat
// DEFINE: %{count} = nanochat-opt --print-op-stats -o /dev/null 2>&1
// DEFINE: %{compare} = nanochat-opt %models/looplm.mlir --preset=a --target=native --stop-after=%{stage} | %{count} | %{filter} > %t.1 && \
// DEFINE:   nanochat-opt %models/looplm.mlir --preset=a --target=native --stop-after=%{stage} --set layers=48 | %{count} | %{filter} > %t.2 && \
// DEFINE:   nanochat-opt %models/looplm.mlir --preset=a --target=native --stop-after=%{stage} --set n_loops=16 | %{count} | %{filter} > %t.3 && \
// DEFINE:   cmp %t.1 %t.2 && cmp %t.1 %t.3
// RUN: %{compare}
// REDEFINE: %{stage} = quantize
// RUN: %{compare}
// REDEFINE: %{stage} = differentiate
// RUN: %{compare}
// REDEFINE: %{stage} = optimize
// RUN: %{compare}
// REDEFINE: %{stage} = fuse
// RUN: %{compare}
// REDEFINE: %{stage} = plan
// RUN: %{compare}
// RUN: grep -q 'nanochat.launch' %t.1
// REDEFINE: %{filter} = grep -v constant
// REDEFINE: %{stage} = emit
// RUN: %{compare}
// REDEFINE: %{stage} = lower
// RUN: %{compare}
// RUN: grep -q 'llvm.call_intrinsic' %t.1
