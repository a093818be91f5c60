// Compiled code in this process.
#pragma once

#include "lib/Lowering/Codegen.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace llvm::orc {
class LLJIT;
}

namespace mlir::nanochat {

/// A module compiled for this machine.
class Jit {
public:
  ~Jit();
  /// Compiles a module in the LLVM dialect. On failure an error was emitted at the module.
  static FailureOr<std::unique_ptr<Jit>> compile(ModuleOp module, CodegenTarget target = {"", "", 2});

  /// Calls the public function `name`, which returns nothing and takes 64-bit words: buffers as bare
  /// pointers, and indices.
  void call(StringRef name, ArrayRef<uint64_t> words);
  /// The address of the public function `name`; null if there is none.
  void *lookup(StringRef name);

private:
  Jit();
  std::unique_ptr<llvm::orc::LLJIT> engine;
};

/// Lowers copies of `entries`, functions of `module` on tensors, through the reference and
/// compiles them, optimised up to `level` (0 to 3); arguments and then results are words of the call.
FailureOr<std::unique_ptr<Jit>> compileReference(ModuleOp module, ArrayRef<func::FuncOp> entries, int level = 3);

} // namespace mlir::nanochat
