// From emitted kernels (loops, vectors, buffers) to the LLVM dialect; the same for every user.
#pragma once

#include "mlir/Pass/PassManager.h"

namespace mlir::nanochat {

/// Whose instructions the code will be.
enum class Processor { cpu, gpu };

/// Appends to a pipeline on modules the passes that lower functions on buffers to the LLVM dialect.
/// Buffers of static shape become bare pointers. For a CPU, instructions of GPUs become calls of the emulator.
void addKernelToLLVMPasses(OpPassManager &pm, Processor processor = Processor::cpu);

} // namespace mlir::nanochat
