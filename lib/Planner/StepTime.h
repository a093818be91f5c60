// How long a training step will take.
#pragma once

#include "lib/Planner/Floors.h"
#include "lib/Planner/Rates.h"

namespace mlir::nanochat {

/// Seconds of a training step: of all kernel calls at rates of their kind, and at the best ones.
struct StepTime {
  double predicted = 0, floor = 0;
  std::map<std::string, double> byKind; // "gemm int8", of the predicted
};

/// Of a call, at rates of its kind.
double secondsOfCall(const DispatchFloor &floor, const Rates &rates);

/// Of the entries train.gradients and train.update. A call takes as long as its operations or its bytes, whichever is
/// longer.
StepTime timeOf(ArrayRef<DispatchFloor> floors, const Rates &rates);

} // namespace mlir::nanochat
