// SPDX-License-Identifier: Apache-2.0
#include "runtime/commands/TrainRun.h"

#include "runtime/AllocationCounter.h"
#include "runtime/DispatchRecorder.h"
#include "runtime/Errors.h"
#include "runtime/Initialize.h"
#include "runtime/Program.h"

#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstring>

namespace nc {

/// A log that is there to read while the run goes on.
class LogFile {
public:
  /// A resumed run goes on in the log it left.
  LogFile(const std::string &path, bool isResumed)
      : file(path.empty() ? nullptr : fopen(path.c_str(), isResumed ? "a" : "w")) {
    if (!path.empty() && !file)
      failInput(format("--log: cannot write '%s': %s", path.c_str(), strerror(errno)));
  }
  ~LogFile() {
    if (file)
      fclose(file);
  }
  LogFile(const LogFile &) = delete;
  LogFile &operator=(const LogFile &) = delete;
  void write(const JsonLine &line) {
    if (file && (fputs(line.text().c_str(), file) < 0 || fflush(file) != 0))
      failRun(format("cannot write the log: %s", strerror(errno)));
  }

private:
  FILE *file;
};

static volatile std::sig_atomic_t isStopRequested = 0;

/// The first signal asks for a stop after the step, the second ends the process as usual.
static void listenForStop() {
  struct sigaction action = {};
  action.sa_handler = [](int) { isStopRequested = 1; };
  action.sa_flags = SA_RESETHAND | SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

TrainRun::TrainRun(const nc_program &program, const TrainOptions &options)
    : program(program), options(options), session(makeSession(program, options.session)),
      copyLength(options.data.isCopyTask ? sizeOr(program, "seq", 0) : 0),
      trainer(*session, options.phase, options.steps, copyLength) {}

void TrainRun::start() {
  progression.seed = options.seed.value_or(0);
  initialize(*session, progression.seed);
  if (!options.init.empty())
    loadCheckpoint(*session, options.init);
  if (options.resume.empty())
    return;
  uint64_t chosen = progression.seed;
  progression = resumeCheckpoint(*session, options.resume);
  if (options.seed)
    progression.seed = chosen;
  if (progression.step > options.steps)
    failInput(format("'%s' was saved after step %lld, --steps is %lld", options.resume.c_str(),
                     static_cast<long long>(progression.step),
                     static_cast<long long>(options.steps)),
              "--steps counts the whole run, with the steps already done");
}

void TrainRun::openValidation() {
  BatchShape shape = batchShape(program, getEntry(program, "eval"));
  if (options.data.isCopyTask)
    data.validation = std::make_unique<CopyRows>(0, program.vocab, "data.copy.validation");
  else
    data.validation = std::make_unique<SpacedWindows>(data.corpus.validation, options.evalBatches,
                                                      shape.rows, shape.length, "validation");
}

void TrainRun::openData() {
  if (options.data.isCopyTask) {
    data.train = std::make_unique<CopyRows>(progression.seed, program.vocab, "data.copy");
  } else {
    CorpusOptions text = corpusOptions(program, options.data, options.data.data);
    if (options.validation.empty()) {
      data.corpus = readSplitCorpus(text);
    } else {
      data.corpus.train = readTokens(text);
      data.corpus.validation = readTokens(corpusOptions(program, options.data, options.validation));
    }
    data.train = std::make_unique<RandomWindows>(data.corpus.train, progression.seed,
                                                 trainer.shape().length, "training");
  }
  if (options.evalEvery > 0 && findEntry(program, "eval"))
    openValidation();
}

void TrainRun::describe() const {
  printf("model %s (%s), %d threads, %lld tokens per step, seed %llu\n", program.model,
         program.target, session->threads().size(),
         static_cast<long long>(trainer.shape().rows * trainer.shape().length),
         static_cast<unsigned long long>(progression.seed));
  if (!options.data.isCopyTask)
    printf("data: %zu training tokens, %zu validation tokens\n", data.corpus.train.size(),
           data.corpus.validation.size());
}

void TrainRun::logStep(LogFile &log, int64_t step, const StepReport &report, double speed) {
  JsonLine line;
  line.add("step", step);
  bool hasLoss = report.output("loss").has_value();
  if (!hasLoss)
    line.add("loss", report.metrics.loss());
  for (const NamedValue &output : report.outputs)
    line.add(output.name, output.value, output.digits);
  line.add("bpb", report.metrics.bitsPerByte());
  line.add("exit_depth", report.metrics.exitDepth());
  line.add("copy_nll", report.metrics.copyNll());
  line.add("tok_s", speed, 6);
  log.write(line);
}

void TrainRun::evaluateNow(LogFile &log, int64_t step, Progress &progress) {
  progress.pause();
  Metrics metrics = evaluate(*session, *data.validation, options.evalBatches, copyLength);
  JsonLine line;
  line.add("step", step);
  appendEvaluation(line, metrics);
  log.write(line);
  std::string text = format("step %lld  validation loss %.4f", static_cast<long long>(step + 1),
                            metrics.loss().value_or(NAN));
  if (metrics.bitsPerByte())
    text += format("  bpb %.4f", *metrics.bitsPerByte());
  progress.print(text);
  progress.resume();
}

bool TrainRun::isEvaluationDue(int64_t done) const {
  return data.validation && (done % options.evalEvery == 0 || done == options.steps);
}

void TrainRun::loop(LogFile &log) {
  std::unique_ptr<DispatchRecorder> recorder;
  if (!options.dumpFolder.empty())
    recorder = std::make_unique<DispatchRecorder>(*session, options.dumpFolder);
  int64_t tokens = trainer.shape().rows * trainer.shape().length;
  Progress progress(progression.step, options.steps, tokens);
  while (progression.step < options.steps && !isStopRequested) {
    int64_t step = progression.step;
    const StepReport &report = trainer.step(step, *data.train, recorder.get());
    progression.step = step + 1;
    if (recorder) {
      progress.print(format("recorded %lld kernel calls in '%s'",
                            static_cast<long long>(recorder->count()), options.dumpFolder.c_str()));
      recorder.reset();
    }
    logStep(log, step, report, progress.finishStep(step, report));
    if (isEvaluationDue(step + 1))
      evaluateNow(log, step, progress);
    if (options.saveEvery > 0 && (step + 1) % options.saveEvery == 0)
      save();
  }
  if (isStopRequested)
    progress.print(
        format("stopped by a signal after %lld steps", static_cast<long long>(progression.step)));
}

void TrainRun::save() const {
  if (!options.save.empty())
    saveCheckpoint(*session, options.save, Contents::ParametersAndStates, progression);
}

void TrainRun::finish() const {
  save();
  printf("memory: %s in arenas, %s resident at most\n", bytesText(plannedBytes(program)).c_str(),
         bytesText(peakResidentBytes()).c_str());
  if (options.countAllocations && countedAllocations() < 0)
    printf("allocations in steps: cannot be counted in this build\n");
  else if (options.countAllocations)
    printf("allocations in steps: %lld\n", static_cast<long long>(countedAllocations()));
}

void TrainRun::run() {
  start();
  if (!options.saveInit.empty())
    saveCheckpoint(*session, options.saveInit, Contents::Parameters, progression);
  if (options.steps > 0) {
    checkDataOptions(options.data);
    openData();
    describe();
  }
  LogFile log(options.log, !options.resume.empty());
  listenForStop();
  loop(log);
  finish();
}

} // namespace nc
