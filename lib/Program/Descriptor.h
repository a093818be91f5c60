// The constant descriptions a program carries: those of runtime/Abi.h.
#ifndef NANOCHAT_LIB_PROGRAM_DESCRIPTOR_H
#define NANOCHAT_LIB_PROGRAM_DESCRIPTOR_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/IR/Module.h"

namespace mlir::nanochat {

/// What the descriptor needs beyond the planned module's attributes.
struct ProgramFacts {
  std::string model, target, cpuFeatures, irHash;
  std::string device; // the architecture of a GPU, or ""
  bool onlyOnRequest = false;
  int64_t flopsPerToken = 0, vocab = 0;
};

/// One operand of a kernel, and a kernel, as the ABI describes them.
struct KernelFacts {
  std::string name;
  std::string symbol; // of the function that runs it, or of its code for a device
  int64_t tasks, flops;
  std::string arithmetic;
  SmallVector<std::pair<Type, bool>> operands; // tensor or buffer type; is it an output?
  int64_t threads = 0, shared = 0, scratch = 0; // of a block, on a GPU
};

/// Collects the kernels of a module after emission (functions on buffers), in order.
SmallVector<KernelFacts> collectKernels(ModuleOp module);
/// The largest scratch of any kernel: of a task, or on a GPU of all, which run at once.
int64_t scratchBytes(ArrayRef<KernelFacts> kernels, bool isOnGpu);

/// Defines `symbol` in `code` as an nc_device_code: PTX and machine code, which may be empty, of a function of that name.
void addDeviceCode(llvm::Module &code, StringRef symbol, StringRef function, StringRef ptx, StringRef cubin, const KernelFacts &kernel);

/// Defines `symbol`, the program's description, and every kernel's info in `code`, from the attributes the memory plan left on
/// `planned`.
void addDescriptor(llvm::Module &code, StringRef symbol, ModuleOp planned, const ProgramFacts &program,
                   ArrayRef<KernelFacts> kernels, int64_t scratchBytes);

/// Defines nc_programs: the descriptions of these symbols, best first.
void addProgramList(llvm::Module &code, ArrayRef<std::string> symbols);

} // namespace mlir::nanochat
#endif
