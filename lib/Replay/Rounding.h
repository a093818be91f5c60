// What rounding alone can do to the results of a kernel.
#pragma once

#include "lib/Replay/Walk.h"

namespace mlir::nanochat {

/// For each result of a call, how far (in L2) rounding may take it from `results`, what the kernel made of `inputs`: by
/// how much it moves where every float operand is moved by ±`rounding` of itself, times √n for sums of n terms, whose
/// partial sums are rounded as well. Of terms that cancel, that much is left, whatever their sum is.
SmallVector<double> roundingOf(const ReferenceKernels &kernels, DispatchOp call, ArrayRef<Tensor> inputs,
                               ArrayRef<Tensor> results, double rounding);

} // namespace mlir::nanochat
