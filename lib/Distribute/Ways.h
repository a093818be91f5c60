// The parts of a step that a rank computes, and what is known of them once it has.
#pragma once

#include "dialect/StepIR.h"

namespace mlir::nanochat {

/// How a step is shared out. A rank here is a group of `tensor` ones that compute the same ways together.
struct Partition {
  int64_t ways = 1, ranks = 1, tensor = 1;
  int64_t ofRank() const { return ways / ranks; }
  static Partition of(ProgramOp program);
};

/// What a gradients entry makes of a batch, by the numbers of its results. Others follow from the norm of gradients.
struct BatchResults {
  SmallVector<unsigned> gradients, scalars, perToken;
};
BatchResults resultsOfBatch(func::FuncOp gradients);

/// Has a gradients entry work on the batches of all ways of a rank, one after the other: its batch, and results per
/// token, get micro-batches of all of them, and other results of `results` a dimension of ways in front. Draws of
/// ways differ.
void runWays(func::FuncOp gradients, const BatchResults &results, const Partition &parts);

} // namespace mlir::nanochat
