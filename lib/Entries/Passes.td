#ifndef NANOCHAT_ENTRIES_PASSES_TD
#define NANOCHAT_ENTRIES_PASSES_TD
include "mlir/Pass/PassBase.td"

def BuildForwardEntriesPass : Pass<"nanochat-build-forward-entries", "::mlir::ModuleOp"> {
  let summary = "From a model to the entries that need no gradient";
  let description = [{
    Emits `eval` (loss and metrics of a batch) and `predict` (logits of one position of every sequence, and the exit
    probabilities there) beside the model.
    Example: test/entries/build-forward-entries.mlir.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::tensor::TensorDialect"];
}

#endif
