#ifndef NANOCHAT_LOWERING_PASSES_TD
#define NANOCHAT_LOWERING_PASSES_TD
include "mlir/Pass/PassBase.td"

def DecomposePass : Pass<"nanochat-decompose"> {
  let summary = "Replaces compute ops by what they mean";
  let description = [{
    Replaces every op of the dialect that has a decomposition by it, and what that is made of in turn,
    until linalg, arith, math, tensor and scf are left. `nanochat.loop` becomes `scf.for`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::math::MathDialect", "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
}

#endif
