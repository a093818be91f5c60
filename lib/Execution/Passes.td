#ifndef NANOCHAT_EXECUTION_PASSES_TD
#define NANOCHAT_EXECUTION_PASSES_TD
include "mlir/Pass/PassBase.td"

def BufferizePass : Pass<"nanochat-bufferize", "::mlir::func::FuncOp"> {
  let summary = "From tensors to buffers the caller provides";
  let description = [{
    `(tensors) -> (tensors)` becomes `(memrefs, out memrefs) -> ()`. Inputs are only read; outputs are
    written after everything is computed, so an output may share its buffer with an input. Buffers in
    between are allocated at entry and freed at exit. Expects linalg, tensor, arith and scf.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::bufferization::BufferizationDialect", "::mlir::memref::MemRefDialect"];
}

def CheckNumericPass : Pass<"nanochat-check-numeric", "::mlir::ModuleOp"> {
  let summary = "Runs functions and compares their results pairwise";
  let description = [{
    Every public function without arguments returns pairs (actual, expected, ...). Each is run through
    the reference lowering; |actual - expected| <= tolerance·(1 + |expected|) must hold for floats,
    equality for integers. `nanochat.tolerance` on the function overrides the tolerance of 1e-6.
  }];
  let options = [Option<"summary", "summary", "bool", "false", "Print how much was compared">];
}

#endif
