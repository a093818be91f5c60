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
    `nanochat.slot`s. The module's `nanochat.program` receives every bound tensor with its arena and offset, every
    temporary one and the bytes of all arenas; each entry lists the tensors it uses. Other ops than dispatches, loops and
    views (HostOpInterface) are errors.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect", "::mlir::memref::MemRefDialect"];
}

#endif
