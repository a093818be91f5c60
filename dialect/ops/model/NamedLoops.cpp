#include "dialect/ops/model/NamedLoops.h"
#include "dialect/ops/model/Sizes.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::nanochat;

FailureOr<SmallVector<LoopOp>> mlir::nanochat::findLoops(ModelOp model, StringRef name, const Twine &option) {
  SmallVector<StringRef> names;
  SmallVector<LoopOp> loops;
  model.getForward().walk([&](LoopOp loop) {
    if (!llvm::is_contained(names, loop.getLoopName()))
      names.push_back(loop.getLoopName());
    if (loop.getLoopName() == name)
      loops.push_back(loop);
  });
  if (!loops.empty())
    return loops;
  InFlightDiagnostic diag = emitError(model.getLoc())
                            << option << ": the model has no loop '" << name << "'" << suggest(name, names);
  diag.attachNote() << (names.empty() ? "it has none at all" : "its loops are " + llvm::join(names, ", "));
  return diag;
}
