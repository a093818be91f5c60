// From the LLVM dialect to machine code.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"

namespace mlir::nanochat {

/// What LLVM compiles for. `native` is this CPU with all its features (kThisCpu); an empty name, what the target of
/// that name has.
struct CodegenTarget {
  std::string cpu, features;
  int level = 3;      // of optimisation, 0 to 3
  std::string triple; // of the machine; this process's where empty
};

enum class FileType { llvm, assembly, object };

/// A machine for `target`: position-independent code, no fused or reassociated float arithmetic.
/// On failure an error was emitted at `loc`.
FailureOr<std::unique_ptr<llvm::TargetMachine>> createTargetMachine(Location loc, const CodegenTarget &target);

/// Translates a module in the LLVM dialect to LLVM IR for `machine`, whose functions bear what they are compiled for.
FailureOr<std::unique_ptr<llvm::Module>> translate(ModuleOp module, llvm::LLVMContext &context,
                                                   llvm::TargetMachine &machine);

/// Optimises in place.
void optimize(llvm::Module &code, llvm::TargetMachine &machine, int level);

/// Writes optimised code; `loc` is for errors.
LogicalResult emitCode(Location loc, llvm::Module &code, llvm::TargetMachine &machine, FileType type,
                       llvm::raw_pwrite_stream &out);

} // namespace mlir::nanochat
