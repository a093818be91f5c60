// Groups of ranks that compute batches together, as the step's sums see them.
#pragma once

#include "lib/Distribute/Ways.h"

namespace mlir::nanochat {

/// Says of each `group_rank` of an entry what it is.
void numberRanks(func::FuncOp entry);

/// Gradients of which ranks have parts, while these are summed over batches: `join` makes wholes of the sums.
class JoinedGradients {
public:
  /// Has `end` return parts for those of the results `gradients` that are joined; what else read the wholes reads
  /// these, too.
  JoinedGradients(Operation *end, ArrayRef<unsigned> gradients);
  void join();

private:
  struct Joined {
    unsigned result;
    RankedTensorType whole;
    int64_t dim, among;
  };
  Operation *end;
  SmallVector<Joined> joined;
};

/// Has exchanges that are among groups take place between ranks of the same place in each.
void groupExchanges(ModuleOp module, const Partition &parts);

} // namespace mlir::nanochat
