// Gradients of layers that are exchanged while those of others are computed.
#pragma once

#include "lib/Distribute/Ways.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::nanochat {

/// Has results of an entry that are stacked by a loop, such as gradients of layers, or are sums of such stacks over
/// iterations of loops around it, be means over all ways, each of which a rank has one. What completes them, the last
/// iteration of every loop around, becomes a loop of its own; in it an iteration exchanges what the one before has
/// made, while it computes. Of `numbers`, those of results, returns those that it was done for: not what is small.
DenseSet<unsigned> exchangeInLoops(func::FuncOp entry, ArrayRef<unsigned> numbers, const Partition &parts);

} // namespace mlir::nanochat
