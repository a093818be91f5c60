// Every stage's IR prints, parses back and verifies.
// RUN: nanochat-opt %models/looplm.mlir --preset=a --target=native --stop-after=model | nanochat-opt -o /dev/null
// RUN: nanochat-opt %models/looplm.mlir --preset=a --target=native --stop-after=quantize | nanochat-opt -o /dev/null
// RUN: nanochat-opt %models/looplm.mlir --preset=a --target=native --stop-after=differentiate | nanochat-opt -o /dev/null
// RUN: nanochat-opt %models/looplm.mlir --preset=a --target=native --stop-after=optimize | nanochat-opt -o /dev/null
// RUN: nanochat-opt %models/looplm.mlir --preset=a --target=native --stop-after=fuse | nanochat-opt -o /dev/null
// RUN: nanochat-opt %models/looplm.mlir --preset=a --target=native --stop-after=plan | nanochat-opt -o /dev/null
// RUN: nanochat-opt %models/looplm.mlir --preset=a --target=native --stop-after=emit | nanochat-opt -o /dev/null
// RUN: nanochat-opt %models/looplm.mlir --preset=a --target=native --stop-after=lower | nanochat-opt -o /dev/null
