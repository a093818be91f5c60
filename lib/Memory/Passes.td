#ifndef NANOCHAT_MEMORY_PASSES_TD
#define NANOCHAT_MEMORY_PASSES_TD
include "mlir/Pass/PassBase.td"

def PlaceCopiesPass : Pass<"nanochat-place-copies", "::mlir::ModuleOp"> {
  let summary = "Insert the copies that no choice of places avoids";
  let description = [{
    Runs the placement of `nanochat-plan-memory` for its copies alone, so that they are outlined with the other
    kernels. Copies carry `nanochat.copy`; the models in models/ compile to none inside loops.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def PlanMemoryPass : Pass<"nanochat-plan-memory", "::mlir::ModuleOp"> {
  let summary = "Give every tensor a place in an arena";
  let description = [{
    Entries become host functions without arguments: rolled scf loops around `nanochat.launch` of kernels on
    `nanochat.slot`s. The module receives `nanochat.tensors` (every bound tensor with its arena and offset) and
    `nanochat.arena_bytes`; each entry lists the tensors it uses.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect", "::mlir::memref::MemRefDialect"];
}

#endif
