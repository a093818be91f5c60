// The loss of a model as a function, for checking its gradients.
#pragma once

#include "dialect/Nanochat.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::nanochat {

/// @<phase>(parameters..., tokens, targets) -> loss, in no module. Parameters are drawn as the model starts them,
/// constant ones from around the constant; those that the phase does not train are `nanochat.fixed`. Scalars have
/// their defaults.
OwningOpRef<func::FuncOp> buildLoss(ObjectiveOp objective);

} // namespace mlir::nanochat
