// A whole training run, from the options of the command line to the saved model.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef NANOCHAT_RUNTIME_COMMANDS_TRAINRUN_H
#define NANOCHAT_RUNTIME_COMMANDS_TRAINRUN_H

#include "runtime/KernelProfile.h"
#include "runtime/PhaseSchedule.h"
#include "runtime/Trainer.h"
#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/commands/DataOptions.h"
#include "runtime/commands/Options.h"
#include "runtime/config/Apply.h"
#include "runtime/report/Progress.h"
#include "runtime/report/RunLog.h"

#include <optional>

namespace nc {

struct TrainOptions {
  ConfigOptions config;
  SessionOptions session;
  DataOptions data;
  std::string validation, log, logFile, tensorboard, save, init, resume, checkpoints, saveInit,
      phase = "train", dumpFolder;
  int64_t steps = 1000, evalEvery = 100, evalBatches = 8, saveEvery = 0, keepLast = 3;
  std::optional<int64_t> scheduleSteps;
  std::optional<uint64_t> seed;
  std::vector<std::string> at;
  bool profile = false, countAllocations = false;
};

/// Lives as long as the run; fails as its parts do (Errors.h).
class TrainRun {
public:
  TrainRun(const nc_program &program, const TrainOptions &options);
  void run();

private:
  /// Parameters, states and where the run stands.
  void start();
  void resume(const std::string &checkpoint);
  /// Gives the phases their steps and, in a resumed run, takes up those that are past.
  void placePhases();
  void describe() const;
  void loop(RunLog &log);
  /// Does what is due before the step that comes next.
  void runPhases(RunLog &log, Progress &progress);
  void logStep(RunLog &log, const StepReport &report, double speed);
  void evaluateIfDue(RunLog &log, Progress &progress);
  void checkpoint();
  void finish();

  const nc_program &program;
  const TrainOptions &options;
  PhaseSchedule phases;
  std::unique_ptr<Session> session;
  Data data;
  std::optional<CheckpointWriter> checkpoints;
  RunState state;
  KernelProfile profile;   // of --profile
  double phaseSeconds = 0; // what happened between steps took
  double peakSpeed = 0;    // tokens per second at the measured peak; 0 if unknown
  int64_t savedStep = -1;  // the last step with a checkpoint
  std::optional<Trainer> trainer;
  std::unique_ptr<RowSource> rows, validation; // validation may be null
};

} // namespace nc
#endif // NANOCHAT_RUNTIME_COMMANDS_TRAINRUN_H
