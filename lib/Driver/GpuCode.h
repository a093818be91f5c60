// Kernels for NVIDIA GPUs: from the LLVM dialect to PTX and machine code.
#pragma once

#include "lib/Driver/CudaToolkit.h"

namespace mlir::nanochat {

/// PTX of a module in the LLVM dialect whose functions with `nvvm.kernel` are launched; those bear `name` in it, where
/// given, of which there must be but one. Functions of mathematics that LLVM has no code for come from libdevice. On
/// failure an error was emitted.
FailureOr<std::string> writePtx(ModuleOp lowered, const GpuFacts &facts, const CudaToolkit &toolkit,
                                StringRef name = "");

} // namespace mlir::nanochat
