// Emitted kernels against their meaning.
#pragma once

#include "lib/Execution/Inputs.h"
#include "lib/Execution/Jit.h"

namespace mlir::nanochat {

/// An emitted kernel (see lib/Targets/Target.h) that can be called here.
class KernelRunner {
public:
  /// Compiles `emitted`. On failure an error was emitted there.
  static FailureOr<KernelRunner> compile(func::FuncOp emitted, CodegenTarget target = {"", "", 3});

  int64_t tasks() const { return taskCount; }
  /// Runs one task on input and then output buffers. Scratch holds garbage before.
  void runTask(int64_t task, ArrayRef<uint64_t> buffers);

private:
  std::unique_ptr<Jit> jit;
  std::string name;
  int64_t taskCount = 0;
  std::vector<char> scratch;
};

/// Runs `emitted` on `inputs`, all tasks in rising and in falling order (of threads as well, see nc_emulate_falling),
/// into outputs filled with NaNs (or, for results with nanochat.inplace, over their inputs), and compares with
/// `meaning`, the same kernel on tensors, run through the reference: integers exactly, floats by relative L2 error up
/// to `tolerance`. Errors are emitted at `meaning`.
LogicalResult checkKernel(func::FuncOp meaning, func::FuncOp emitted, const std::vector<HostTensor> &inputs,
                          double tolerance);

} // namespace mlir::nanochat
