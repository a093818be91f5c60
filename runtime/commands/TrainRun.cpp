#include "runtime/commands/TrainRun.h"
#include "runtime/app/Signals.h"
#include "runtime/checkpoint/ModelFile.h"
#include "runtime/checkpoint/SaveShares.h"
#include "runtime/files/Errors.h"
#include "runtime/program/AllocationCounter.h"
#include "runtime/program/DispatchRecorder.h"
#include "runtime/program/Program.h"
#include "runtime/report/PeakFlops.h"
#include <chrono>
#include <cmath>
#include <functional>
#include <utility>

namespace nc {

void TrainRun::describe() const {
  BatchShape shape = trainer->shape();
  std::string place = session->deviceName();
  if (place.empty())
    place = format("%d threads", session->threads().size());
  if (ranks.count() > 1)
    place += format(" on each of %d ranks over %s", ranks.count(), session->transportName().c_str());
  printf("model %s (%s), %s, %lld tokens per step, seed %llu\n", program.model, program.target, place.c_str(),
         wide(shape.rows * shape.length), wide(state.seed));
  if (!data.copyLength())
    printf("data: %s\n", data.describe().c_str());
  for (const auto &[name, value] : state.scalars)
    printf("%s = %g\n", name.c_str(), value);
}

void TrainRun::logStep(RunLog &log, const StepReport &report, double speed) {
  JsonLine line;
  line.add("step", state.step);
  bool hasLoss = report.output("loss").has_value();
  if (!hasLoss)
    line.add("loss", report.metrics.loss());
  for (const NamedValue &output : report.outputs)
    line.add(output.name, output.value, output.digits);
  line.add("bpb", report.metrics.bitsPerByte());
  line.add("exit_depth", report.metrics.exitDepth());
  line.add("copy_nll", report.metrics.copyNll());
  // Last, for they are all that differs between runs that are the same.
  line.add("tok_s", speed, 6);
  if (peakSpeed > 0)
    line.add("mfu", speed / peakSpeed, 4);
  log.write(state.step, line);
}

void TrainRun::evaluateIfDue(RunLog &log, Progress &progress) {
  bool isDue = validation && state.step > 0 && (state.step % options.evalEvery == 0 || state.step == state.steps);
  if (!isDue)
    return;
  progress.pause();
  checkFinite(*session, state.step);
  Metrics metrics = evaluate(*session, *validation, options.evalBatches, Metrics(data.vocabulary(), data.copyLength()));
  JsonLine line;
  line.add("step", state.step);
  appendEvaluation(line, metrics);
  log.write(state.step, line);
  std::string text = format("step %lld  validation loss %.4f", wide(state.step), metrics.loss().value_or(NAN));
  if (metrics.bitsPerByte())
    text += format("  bpb %.4f", *metrics.bitsPerByte());
  progress.print(text);
  progress.resume();
}

void TrainRun::runPhases(RunLog &log, Progress &progress) {
  using Clock = std::chrono::steady_clock;
  for (const PhaseAction &action : phases.actions()) {
    if (action.step != state.step)
      continue;
    isBetweenSteps |= action.kind != PhaseAction::Kind::Scalar;
    progress.pause();
    auto begin = Clock::now();
    auto outputs = action.perform(*session, state.scheduleSteps, state.seed);
    double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    phaseSeconds += seconds;
    JsonLine line;
    line.add("step", state.step);
    line.addText("phase", action.text());
    for (const NamedValue &output : outputs)
      line.add(output.name, output.value, output.digits);
    line.add("seconds", seconds, 4);
    log.write(state.step, line);
    progress.print(format("step %lld  phase %s  %.3g s", wide(state.step), action.text().c_str(), seconds));
    progress.resume();
  }
}

void TrainRun::checkpoint() {
  saves.save(*session, state, data.vocabulary());
  ranks.waitForFirst();
}

TrainRun::Requests TrainRun::agree() {
  const char own[2] = {isStopRequested(), takeSaveRequest() || (ranks.isFirst() && saves.isDueAgain())};
  std::fill(requests.begin(), requests.end(), 0);
  ranks.gather(own, requests.data(), sizeof(own));
  Requests all = {false, false};
  for (size_t i = 0; i < requests.size(); i += 2)
    all = {all.stop || requests[i], all.save || requests[i + 1]};
  return all;
}

static void warnOfLostReader() {
  static bool isSaid = false;
  if (isReaderLost() && !std::exchange(isSaid, true))
    fprintf(stderr, "warning: nobody reads the standard output any more; the run goes on\n");
}

void TrainRun::loop(RunLog &log, Progress &progress) {
  std::unique_ptr<DispatchRecorder> recorder;
  DispatchObserver *observer = options.profile || !options.profileFile.empty() ? &profile : nullptr;
  bool isFirst = true;
  int64_t measured = 0; // steps, of --measure-memory
  if (!options.dumpFolder.empty())
    recorder = std::make_unique<DispatchRecorder>(*session, options.dumpFolder);
  // The rows of a log that a resumed run goes on with end before this evaluation.
  if (!resumed.empty())
    evaluateIfDue(log, progress);
  Requests asked = agree();
  while (state.step < state.steps && !asked.stop) {
    ranks.doing(state.step);
    runPhases(log, progress);
    const StepReport &report = trainer->step(state.step, state.rows, *rows, recorder ? recorder.get() : observer);
    isBetweenSteps = false;
    if (std::exchange(isFirst, false)) {
      ranks.settle();
      if (state.step + 1 < state.steps)
        profile.clear();
    }
    sentBytes = report.sentBytes;
    if (recorder) {
      progress.print(format("recorded %lld kernel calls in '%s'", wide(recorder->count()), options.dumpFolder.c_str()));
      recorder.reset();
    }
    logStep(log, report, progress.finishStep(state.step, report));
    ++state.step;
    state.rows += trainer->shape().rows; // of all ranks
    constexpr int64_t kSettled = 3;      // steps, after which all that they touch has been touched
    if (options.measureMemory && ++measured <= kSettled)
      memoryOfSteps = session->deviceBytes().value_or(anonymousBytes() - memoryBefore);
    evaluateIfDue(log, progress);
    bool isDue = options.saveEvery > 0 && state.step % options.saveEvery == 0;
    warnOfLostReader();
    asked = agree();
    if (asked.save || isDue)
      checkpoint();
  }
  ranks.doing("the end");
  if (phaseSeconds > 0)
    progress.print(format("phases took %.3g s, %.3g %% of what training took", phaseSeconds,
                          100 * phaseSeconds / progress.seconds()));
  if (asked.stop)
    progress.print(format("stopped by a signal after %lld steps", wide(state.step)));
}

void TrainRun::rescue(RunLog &log) {
  try {
    log.finish();
    // Without the rank that failed its share is lost; what phases have done would be done again on resume.
    if (trainer->isSound() && state.step > 0 && !isOfSeveral(*session) && !isBetweenSteps)
      saves.finish(*session, state, data.vocabulary());
  } catch (const std::exception &problem) {
    fprintf(stderr, "warning: %s\n", problem.what());
  }
}

/// Does all of it, and then fails as the first that failed did: by itself, where one did, as others do not know of
/// that.
static void attemptAll(std::initializer_list<std::function<void()>> parts) {
  std::exception_ptr first;
  std::string said;
  bool isAgreed = false;
  for (const auto &part : parts)
    try {
      part();
    } catch (const Error &problem) {
      bool isAlso = dynamic_cast<const AgreedError *>(&problem);
      std::string text = problem.what();
      if (!first || (isAgreed && !isAlso)) {
        std::swap(text, said);
        first = std::current_exception(), isAgreed = isAlso;
      }
      if (!text.empty() && text != said)
        fprintf(stderr, "error: %s\n", text.c_str());
    }
  if (first)
    std::rethrow_exception(first);
}

void TrainRun::saveModel(const std::string &path) {
  char isWanted = !path.empty();
  if (isOfSeveral(*session))
    isWanted = ranks.ofFirst(isWanted);
  if (isWanted)
    saveParameters(*session, path, data.vocabulary());
}

void TrainRun::finish(RunLog &log, Progress &progress) {
  auto saveLast = [&] {
    checkFinite(*session, state.step); // also where nothing is saved
    saveModel(options.save);
  };
  attemptAll({[&] { saves.finish(*session, state, data.vocabulary()); }, saveLast, [&] { log.finish(); },
              [&] { progress.finish(); }});
}

void TrainRun::printTotals() const {
  printf("memory: %s in arenas, %s resident at most\n", bytesText(plannedBytes(program)).c_str(),
         bytesText(peakResidentBytes()).c_str());
  if (options.measureMemory)
    printf("memory: planned %lld, measured %lld\n", wide(processBytes(program, session->threads().size())),
           wide(memoryOfSteps));
  if (options.profile)
    printf("%s", profile.table().c_str());
  if (!options.profileFile.empty())
    writeFile(options.profileFile, profile.json());
  if (options.countBytes)
    printf("bytes sent per step: %lld\n", wide(sentBytes));
  if (options.countAllocations && countedAllocations() < 0)
    printf("allocations in steps: cannot be counted in this build\n");
  else if (options.countAllocations)
    printf("allocations in steps: %lld\n", wide(countedAllocations()));
}

void TrainRun::run() {
  start();
  saveModel(options.saveInit);
  // What is measured is this processor's, not a GPU's.
  if (program.flops_per_token > 0 && !program.device[0])
    peakSpeed = ranks.count() * measurePeakFlops(session->threads()) / program.flops_per_token;
  describe();
  RunLog log(options.log, options.tensorboard, state.step);
  BatchShape shape = trainer->shape();
  Progress progress(state.step, state.steps, shape.rows * shape.length, peakSpeed, options.logFile);
  listenForSignals();
  ranks.waitForFirst();
  try {
    loop(log, progress);
  } catch (const std::exception &problem) {
    ranks.fail(problem);
    rescue(log);
    throw;
  }
  finish(log, progress);
  printTotals();
  ranks.waitForFirst(); // whose files are what others end well for
}

} // namespace nc
