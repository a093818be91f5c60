// The loops of a model, by the names that options know them by.
#pragma once

#include "dialect/Nanochat.h"

namespace mlir::nanochat {

/// The loops called `name`; where there are none, an error that begins with `option`, as "--recompute=layers=body".
FailureOr<SmallVector<LoopOp>> findLoops(ModelOp model, StringRef name, const Twine &option);

} // namespace mlir::nanochat
