// How a program calls an emitted kernel: a function beside it that bears the name kernel + kKernelRunSuffix.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::nanochat {

/// `@k.run(buffers: ptr, task: i64, scratch: ptr)`, an nc_kernel of runtime/Abi.h. Where a block of GPU threads runs a
/// task, the emulator's.
void wrapForCpu(func::FuncOp kernel);

/// `@k.run(buffers: ptr..., scratch: ptr)`, what a GPU launches with a block for each task; scratch is that of all
/// blocks.
void wrapForGpu(func::FuncOp kernel);

} // namespace mlir::nanochat
