#ifndef NANOCHAT_OPTIMIZE_PASSES_TD
#define NANOCHAT_OPTIMIZE_PASSES_TD
include "mlir/Pass/PassBase.td"

def BuildUpdatesPass : Pass<"nanochat-build-updates", "::mlir::ModuleOp"> {
  let summary = "From a model's update region to its update entries";
  let description = [{
    For every phase, emits `<phase>.update`: the ops of the update region (schedules, clipping), then the assigned
    update rule for every parameter that the phase trains. States follow from the rule's
    OptimizerOpInterface. The scalar "grad_norm" is the one the gradients entry put out.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect"];
}

#endif
