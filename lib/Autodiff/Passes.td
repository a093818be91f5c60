#ifndef NANOCHAT_AUTODIFF_PASSES_TD
#define NANOCHAT_AUTODIFF_PASSES_TD
include "mlir/Pass/PassBase.td"

def DifferentiatePass : Pass<"nanochat-differentiate", "::mlir::ModuleOp"> {
  let summary = "From a model to its entry points, gradients included";
  let description = [{
    For every objective of a `nanochat.model`, emits `<phase>.gradients`: the forward pass, the reverse
    sweep over it and the norm of all gradients; and `eval`, the forward pass alone. Parameters, batch
    and scalars become arguments, losses, metrics and gradients results, all bound by name
    (see lib/Autodiff/Bindings.h). Micro-batches (`accum`) are one more rolled loop. The model stays,
    for the stages that still read its update region.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::math::MathDialect", "::mlir::tensor::TensorDialect", "::mlir::func::FuncDialect"];
}

#endif
