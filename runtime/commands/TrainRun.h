// A whole training run, from the options of the command line to the saved model.
//
#pragma once

#include "runtime/commands/DataOptions.h"
#include "runtime/commands/Options.h"
#include "runtime/commands/RunSaves.h"
#include "runtime/config/Apply.h"
#include "runtime/program/Arenas.h"
#include "runtime/program/KernelProfile.h"
#include "runtime/report/Progress.h"
#include "runtime/report/RunLog.h"
#include "runtime/training/PhaseSchedule.h"
#include "runtime/training/Trainer.h"
#include <optional>

namespace nc {

struct TrainOptions {
  ConfigOptions config;
  RankOptions ranks;
  SessionOptions session;
  DataOptions data;
  std::string validation, reference, log, logFile, tensorboard, save, init, resume, checkpoints, saveInit,
      phase = "train", dumpFolder, profileFile;
  int64_t evalEvery = 100, evalBatches = 8, saveEvery = 0, keepLast = 3;
  std::optional<int64_t> steps, scheduleSteps;
  std::optional<uint64_t> seed;
  std::vector<std::string> at;
  bool profile = false, countAllocations = false, countBytes = false, measureMemory = false;
};

/// Lives as long as the run; fails as its parts do (Errors.h).
class TrainRun {
public:
  /// All ranks have the same options, but for outputs, which are the first one's.
  TrainRun(const nc_program &program, const TrainOptions &options, Ranks &ranks);
  void run();

private:
  /// Losses of another model, where this one reads them.
  void setReference();
  /// Parameters, states and where the run stands.
  void start();
  void resume(const std::string &checkpoint);
  /// Scalars of the run that is resumed hold unless others are given, which is said.
  void restoreScalars(const std::map<std::string, double> &saved);
  /// Gives the phases their steps and, in a resumed run, takes up those that are past.
  void placePhases();
  /// Fails (exit 2) where other ranks begin with something else.
  void compareStart();
  void describe() const;
  void loop(RunLog &log, Progress &progress);
  /// Does what is due before the step that comes next.
  void runPhases(RunLog &log, Progress &progress);
  void logStep(RunLog &log, const StepReport &report, double speed);
  void evaluateIfDue(RunLog &log, Progress &progress);
  /// What a signal asked of any rank, so that all do the same.
  struct Requests {
    bool stop, save;
  };
  Requests agree();
  void checkpoint();
  /// After a failure: saves what whole steps have reached.
  void rescue(RunLog &log);
  /// The parameters to a file, if it is named; where ranks have shares, as the first one names it.
  void saveModel(const std::string &path);
  /// Everything that ends a run, whichever of it fails.
  void finish(RunLog &log, Progress &progress);
  void printTotals() const;

  const nc_program &program;
  const TrainOptions &options;
  Ranks &ranks;
  PhaseSchedule phases;
  int64_t memoryBefore = anonymousBytes(), memoryOfSteps = 0; // before arenas are made, and once steps have used them
  std::unique_ptr<Session> session;
  Data data;
  RunSaves saves;
  std::string resumed; // the checkpoint that the run goes on from, or ""
  RunState state;
  KernelProfile profile;       // of --profile
  int64_t sentBytes = 0;       // in the last step
  std::vector<char> requests;  // of all ranks
  bool isBetweenSteps = false; // parameters or states are those of no step
  double phaseSeconds = 0;     // what happened between steps took
  double peakSpeed = 0;        // tokens per second at the measured peak; 0 if unknown
  std::optional<Trainer> trainer;
  std::unique_ptr<RowSource> rows, validation; // validation may be null
};

} // namespace nc
