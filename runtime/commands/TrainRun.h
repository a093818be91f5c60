// A whole training run, from the options of the command line to the saved model.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef NANOCHAT_RUNTIME_COMMANDS_TRAINRUN_H
#define NANOCHAT_RUNTIME_COMMANDS_TRAINRUN_H

#include "runtime/Checkpoint.h"
#include "runtime/Progress.h"
#include "runtime/Trainer.h"
#include "runtime/commands/Options.h"

#include <optional>

namespace nc {

struct TrainOptions {
  SessionOptions session;
  DataOptions data;
  std::string validation, log, save, init, resume, saveInit, phase = "train", dumpFolder;
  int64_t steps = 1000, evalEvery = 100, evalBatches = 8, saveEvery = 0;
  std::optional<uint64_t> seed;
  bool countAllocations = false;
};

/// The rows of a run; owns the streams they are cut from.
struct TrainData {
  Corpus corpus;
  std::unique_ptr<RowSource> train, validation; // validation may be null
};

class LogFile;

/// Lives as long as the run; fails as its parts do (Errors.h).
class TrainRun {
public:
  TrainRun(const nc_program &program, const TrainOptions &options);
  void run();

private:
  void start();
  void openData();
  void openValidation();
  void describe() const;
  void loop(LogFile &log);
  void logStep(LogFile &log, int64_t step, const StepReport &report, double speed);
  void evaluateNow(LogFile &log, int64_t step, Progress &progress);
  bool isEvaluationDue(int64_t done) const;
  void finish() const;
  void save() const;

  const nc_program &program;
  const TrainOptions &options;
  std::unique_ptr<Session> session;
  int64_t copyLength;
  Trainer trainer;
  TrainData data;
  Progression progression;
};

} // namespace nc
#endif // NANOCHAT_RUNTIME_COMMANDS_TRAINRUN_H
