#include "lib/Replay/RecordedCodes.h"
#include "lib/Replay/Replay.h"
#include "lib/Replay/Walk.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::nanochat;

/// The results of the reference's entry with recorded codes.
static FailureOr<SmallVector<Tensor>> runInjected(const Record &record, func::FuncOp entry, RecordedCodes &codes) {
  auto kernels = ReferenceKernels::compile(entry->getParentOfType<ModuleOp>(), dispatchesOf(entry), MathFrom::library);
  auto args = record.readArguments(entry);
  if (failed(kernels) || failed(args))
    return failure();
  return walkEntry(entry, *args, [&](DispatchOp call, ArrayRef<Tensor> inputs) -> FailureOr<SmallVector<Tensor>> {
    SmallVector<Tensor> results = kernels->run(call, inputs);
    for (Tensor &result : results) {
      if (!codes.isCode(result->type()))
        continue;
      auto recorded = codes.replace(call, *result);
      if (failed(recorded))
        return failure();
      result = *recorded;
    }
    return results;
  });
}

FailureOr<bool> mlir::nanochat::checkGradients(const Record &record, ModuleOp reference, double gradientError,
                                               double flipped) {
  func::FuncOp program = record.getEntries().front();
  auto entry = reference.lookupSymbol<func::FuncOp>(program.getName());
  RecordedCodes codes(entry, flipped);
  if (failed(codes.read(record, program)))
    return failure();
  auto expected = runInjected(record, entry, codes);
  auto found = record.readResults(entry);
  if (failed(found) || failed(expected) || failed(codes.finish(entry)))
    return codes.differ ? FailureOr<bool>(false) : FailureOr<bool>(failure());
  bool isSame = true;
  double worst = 0;
  std::string worstName;
  for (unsigned i = 0; i < expected->size(); ++i) {
    const HostTensor &here = *(*found)[i], &there = *(*expected)[i];
    std::string name = getResultBinding(entry, i).describe();
    std::string difference = describeDifference(here, there, gradientError);
    if (!difference.empty()) {
      entry.emitError(name) << " is wrong at " << difference;
      isSame = false;
    }
    if (double error = relativeL2(here, there); error >= worst) {
      worst = error;
      worstName = name;
    }
  }
  llvm::outs() << "check-gradients: " << expected->size() << " results, worst relative L2 error "
               << llvm::format("%.2g", worst) << " (" << worstName << "); " << codes.flipped << " of " << codes.codes
               << " codes rounded otherwise\n";
  return isSame;
}
