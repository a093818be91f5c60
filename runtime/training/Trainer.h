// One training step: batch, gradients, check, update.
//
#pragma once

#include "runtime/program/Session.h"
#include "runtime/training/Batches.h"
#include "runtime/training/Metrics.h"
#include <optional>
#include <string>
#include <vector>

namespace nc {

/// What a step says about itself.
struct StepReport {
  std::vector<NamedValue> outputs; // rank-0 outputs of both entries
  Metrics metrics;
  int64_t sentBytes; // by this rank, in collectives of the entries

  std::optional<double> output(std::string_view name) const;
};

class Trainer {
public:
  /// Uses the entries "<phase>.gradients" and "<phase>.update". `scheduleSteps` is what schedules
  /// see; `metrics` is what reports begin as.
  Trainer(Session &session, const std::string &phase, int64_t scheduleSteps, Metrics metrics);

  /// Fails (exit 1) before the update if the loss or the gradient norm is not finite, naming the
  /// tensor and the kernel. `observer` may be null; without one, allocations count
  /// (AllocationCounter.h): there are none. The step's batch is the rows of `source` from `firstRow`
  /// on, of which each rank takes its part. The report is that of the last step.
  const StepReport &step(int64_t step, int64_t firstRow, const RowSource &source, DispatchObserver *observer);

  /// Are parameters and states those of whole steps, after a step failed, and worth going on from?
  bool isSound() const { return sound; }

  /// The shape of one step's batch, over all micro-batches of all ranks.
  BatchShape shape() const { return {input.shape().rows * (session.ranks().count() / together), input.shape().length}; }

private:
  void run(int64_t step, int64_t firstRow, const RowSource &source, DispatchObserver *observer);
  void checkFinite(int64_t step);
  /// Begins the report, with what the gradients entry leaves.
  void describe();

  Session &session;
  const int64_t together; // ranks, on one batch
  const nc_entry &gradients;
  const nc_entry &update;
  BatchInput input;
  int64_t scheduleSteps;
  StepReport report;
  bool sound = true;
};

} // namespace nc
