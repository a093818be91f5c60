// Random inputs for a function on tensors.
#pragma once

#include "lib/Execution/HostTensor.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::nanochat {

/// Buffers for all of `types`. Fails with an error at `func` for types that have none.
FailureOr<std::vector<HostTensor>> allocate(func::FuncOp func, TypeRange types);

/// Fills `inputs` as the attributes of the arguments say: floats are normal or uniform in
/// `nanochat.range = [lo, hi]`; i8 lies in [-127, 127] or the range; other integers in
/// [0, `nanochat.bound`). With `extremes` each element is 0 or an end of its range; of floats 0, ±1, ±1e-20 or
/// ±1e8.
LogicalResult fillInputs(func::FuncOp func, MutableArrayRef<HostTensor> inputs, Filler &filler, bool extremes = false);

/// Allocates and fills inputs for all arguments.
FailureOr<std::vector<HostTensor>> randomInputs(func::FuncOp func, Filler &filler, bool extremes = false);

/// The words of a call with these buffers, in order.
SmallVector<uint64_t> wordsOf(ArrayRef<const std::vector<HostTensor> *> buffers);

} // namespace mlir::nanochat
