// Gradients of functions, and how they are checked.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::nanochat {

/// Does an argument or result of this type carry a gradient?
bool isFloatTensor(Type type);

/// Is the argument to be taken for a constant?
bool isFixed(func::FuncOp func, unsigned arg);

/// Rewrites f(args...) -> (results...) to its gradient: (args..., cotangents of the float results...)
/// -> (cotangents of the float arguments that are not fixed...). On failure an error was emitted at the op without one.
LogicalResult rewriteToGradient(func::FuncOp func);

/// What a gradient check may be told beside the function.
struct GradientCheck {
  int directions = 4;      // random ones per argument of more than 64 elements
  double tolerance = 1e-6; // relative
};

/// Compares gradients of `func` with central differences, in f64 at random inputs, and the bits of the
/// gradients under all recompute policies of its loops. Quantisers are frozen at the point (see
/// StraightThroughOpInterface). Errors are emitted at `func`.
LogicalResult checkGradient(func::FuncOp func, const GradientCheck &check);

} // namespace mlir::nanochat
