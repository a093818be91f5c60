// Kernels to machine code, each for itself: in parallel, and from a cache where it has been compiled before.
#pragma once

#include "lib/Driver/CudaToolkit.h"
#include "lib/Driver/KernelCache.h"
#include "lib/Lowering/Codegen.h"
#include "lib/Program/Descriptor.h"
#include "mlir/Support/Timing.h"

namespace mlir::nanochat {

/// Objects of one executable by name; what is the same has the same name and is there once.
using ObjectSet = std::map<std::string, std::unique_ptr<llvm::MemoryBuffer>>;

/// What kernels are compiled for.
struct KernelTarget {
  CodegenTarget host;          // of programs, and of kernels but for
  std::optional<GpuFacts> gpu; // those of a GPU, which
  const CudaToolkit &toolkit;  // assembles
};

/// What `write` writes, in memory.
FailureOr<std::unique_ptr<llvm::MemoryBuffer>>
inMemory(llvm::function_ref<LogicalResult(llvm::raw_pwrite_stream &)> write);

/// Takes the kernels out of a module after stage `describe` and compiles each. Their descriptions then refer to the
/// objects, by symbols that say by a hash what a kernel is made from; adds the objects. On failure an error was
/// emitted; throws nc::Error where no temporary file can be written.
LogicalResult compileKernels(ModuleOp module, const KernelTarget &target, const KernelCache &cache, ObjectSet &objects,
                             TimingScope &timing);

} // namespace mlir::nanochat
