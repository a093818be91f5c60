// From the LLVM dialect to machine code.
#ifndef NANOCHAT_LIB_EXECUTION_CODEGEN_H
#define NANOCHAT_LIB_EXECUTION_CODEGEN_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"

namespace mlir::nanochat {

/// What LLVM compiles for. An empty cpu is the host's, with all its features.
struct CodegenTarget {
  std::string cpu, features;
  int level = 3; // of optimisation, 0 to 3
};

enum class FileType { llvm, assembly, object };

/// A machine for `target`: position-independent code, no fused or reassociated float arithmetic.
/// On failure an error was emitted at `loc`.
FailureOr<std::unique_ptr<llvm::TargetMachine>> createTargetMachine(Location loc, const CodegenTarget &target);

/// Translates a module in the LLVM dialect to LLVM IR for `machine` and optimises it.
FailureOr<std::unique_ptr<llvm::Module>> translateAndOptimize(ModuleOp module, llvm::LLVMContext &context,
                                                              llvm::TargetMachine &machine,
                                                              const CodegenTarget &target);

/// Writes optimised code; `loc` is for errors.
LogicalResult emitCode(Location loc, llvm::Module &code, llvm::TargetMachine &machine, FileType type,
                       llvm::raw_pwrite_stream &out);

/// Compiles a module in the LLVM dialect and writes it to `out`.
LogicalResult optimizeAndEmit(ModuleOp module, const CodegenTarget &target, FileType type,
                              llvm::raw_pwrite_stream &out);

} // namespace mlir::nanochat
#endif
