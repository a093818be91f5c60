// Entries run step by step on this process's memory, one dispatch after the other.
#pragma once

#include "dialect/Nanochat.h"
#include "lib/Execution/Jit.h"
#include "lib/Replay/TensorFile.h"

namespace mlir::nanochat {

/// What stands in for a kernel: its results, or failure after an error was printed.
using RunDispatch = llvm::function_ref<FailureOr<SmallVector<Tensor>>(DispatchOp, ArrayRef<Tensor> inputs)>;

/// Runs an entry, as stage `fuse` leaves it, on `args`: loops iterate, views are copied, `run` does the
/// rest. Values are not placed anywhere, so nothing can overwrite them.
FailureOr<SmallVector<Tensor>> walkEntry(func::FuncOp entry, ArrayRef<Tensor> args, RunDispatch run);

/// The dispatches of an entry, each once.
SmallVector<DispatchOp> dispatchesOf(func::FuncOp entry);

/// How many calls an entry makes; none where values decide that, in loops with a limit.
std::optional<int64_t> countCalls(func::FuncOp entry);

/// Where exp and its like come from: the C library, or the polynomials of emitted kernels, without which
/// a code that is rounded from one differs now and then.
enum class MathFrom { library, kernels };

/// The meaning of kernels, compiled through the reference lowering.
class ReferenceKernels {
public:
  /// Compiles every kernel that `calls` name.
  static FailureOr<ReferenceKernels> compile(ModuleOp fused, ArrayRef<DispatchOp> calls, MathFrom math);

  SmallVector<Tensor> run(DispatchOp dispatch, ArrayRef<Tensor> inputs) const;
  int64_t count() const { return kernelCount; }

private:
  std::unique_ptr<Jit> jit;
  int64_t kernelCount = 0;
};

} // namespace mlir::nanochat
