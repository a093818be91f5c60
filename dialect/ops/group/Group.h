// Layers that the ranks of a group compute together.
#pragma once

#include "dialect/Nanochat.h"

namespace mlir::nanochat {

/// `group_reduce` among several ranks; of one, x itself.
Value reduceOverGroup(ImplicitLocOpBuilder &b, GroupReduction reduction, Value x, int64_t among);

} // namespace mlir::nanochat
