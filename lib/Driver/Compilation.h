// One model on its way through the stages, for one target.
#pragma once

#include "lib/Driver/Compile.h"
#include "lib/Driver/KernelObjects.h"
#include "mlir/Support/Timing.h"

namespace mlir::nanochat {

/// Stages run one after the other; what they know of the program is in the module. Errors are emitted as diagnostics.
class Compilation {
public:
  Compilation(ModuleOp module, const PipelineOptions &options, TimingScope &timing)
      : module(module), options(options), timing(timing) {}

  /// Runs the stages that are left, up to the first that makes `wanted` known, or up to the one of that name.
  LogicalResult runTo(Known wanted) {
    return runStages([&](const Stage &stage) { return stage.known == wanted; });
  }
  LogicalResult runTo(StringRef last) {
    return runStages([&](const Stage &stage) { return stage.name == last; });
  }

  /// The program, after all stages, as one module with its description: IR, assembly or an object. Whole, it lists
  /// itself as the only program; else kernels and list are elsewhere.
  LogicalResult emit(FileType type, llvm::raw_pwrite_stream &os, bool isWhole = true);
  /// Runs all stages, on kernels apart from the rest, and adds the objects; returns the symbol of the program's
  /// description.
  FailureOr<std::string> addObjects(const KernelCache &cache, const CudaToolkit &toolkit, ObjectSet &objects);
  /// All kernels as one text of PTX for the row's GPU, or as its machine code.
  LogicalResult emitForGpu(bool isText, const CudaToolkit &toolkit, llvm::raw_pwrite_stream &os);

  /// Compares the steps recorded in `dispatches` and `gradients`, where they are given, with the reference, for which
  /// `copy` is the model again. False where they differ.
  FailureOr<bool> check(ModuleOp copy, StringRef dispatches, StringRef gradients);

private:
  LogicalResult runStages(llvm::function_ref<bool(const Stage &)> isLast);
  std::string symbol() const { return programSymbol(options.target.title()); }
  CodegenTarget codegenTarget() const;
  KernelTarget kernelTarget(const CudaToolkit &toolkit) const;

  ModuleOp module;
  const PipelineOptions &options;
  TimingScope &timing;
  ArrayRef<Stage>::iterator next = getStages().begin();
};

} // namespace mlir::nanochat
