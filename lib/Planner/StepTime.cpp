#include "lib/Planner/StepTime.h"

using namespace mlir;
using namespace mlir::nanochat;

/// Seconds of a call at such rates.
static double secondsOf(const DispatchFloor &floor, const std::map<std::string, double> &rates) {
  bool isProduct = floor.kind == "gemm" || floor.kind == "attention";
  double bytes = double(floor.bytes) / rates.at(isProduct || floor.kind == "generic" ? "pointwise" : floor.kind.str());
  if (!isProduct && floor.kind != "generic")
    return bytes;
  return std::max(bytes, double(floor.operations) / Rates::of(rates, floor.kind, floor.arithmetic));
}

double nanochat::secondsOfCall(const DispatchFloor &floor, const Rates &rates) {
  return secondsOf(floor, rates.mean) + rates.call;
}

StepTime nanochat::timeOf(ArrayRef<DispatchFloor> floors, const Rates &rates) {
  StepTime time;
  for (const DispatchFloor &floor : floors) {
    if (!floor.entry.starts_with("train."))
      continue;
    double seconds = floor.calls * secondsOfCall(floor, rates);
    time.predicted += seconds;
    time.floor += floor.calls * secondsOf(floor, rates.best);
    time.byKind[(floor.kind + (floor.kind == "gemm" || floor.kind == "attention" ? " " + floor.arithmetic : ""))
                    .str()] += seconds;
  }
  return time;
}
