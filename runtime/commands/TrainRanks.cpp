#include "runtime/commands/TrainRanks.h"
#include "runtime/device/CudaDriver.h"
#include "runtime/device/ProgramChoice.h"
#include "runtime/files/Errors.h"
#include "runtime/program/Processors.h"
#include "runtime/program/Program.h"
#include <algorithm>
#include <cstdio>

namespace nc {

static void checkCount(const nc_program &program, int started) {
  int64_t needs = sizeOr(program, "ranks", 1);
  if (started == needs)
    return;
  std::string start = format("start %lld with --ranks=%lld", wide(needs), wide(needs));
  if (started == 1)
    start += ", or by torchrun, mpirun or srun";
  else
    start = format("compile it with nanochat-opt --ranks=%d, or ", started) + (needs == 1 ? "start one" : start);
  failInput(format("the program is for %lld rank%s, %d %s started", wide(needs), needs == 1 ? "" : "s", started,
                   started == 1 ? "was" : "were"),
            start);
}

template <typename Number> static std::string textOf(const std::optional<Number> &number) {
  return number ? std::to_string(*number) : "none";
}

/// What decides results, or which collectives follow each other.
static Facts factsOf(const nc_program &program, const TrainOptions &options) {
  std::string sizes, scalars, actions;
  for (int32_t i = 0; i < program.n_sizes; ++i)
    sizes += format("%s%s=%lld", i ? " " : "", program.sizes[i].name, wide(program.sizes[i].value));
  for (const auto &[name, value] : givenScalars(options.session))
    scalars += (scalars.empty() ? "" : " ") + name + "=" + shortest(value);
  for (const std::string &action : options.at)
    actions += (actions.empty() ? "" : " ") + action;
  return {{"program", program.ir_hash},
          {"target", program.target},
          {"sizes", sizes},
          {"--comm", options.ranks.comm},
          {"--phase", options.phase},
          {"--seed", std::to_string(options.seed.value_or(0))},
          {"--steps", textOf(options.steps)},
          {"--schedule-steps", textOf(options.scheduleSteps)},
          {"--eval-every", std::to_string(options.evalEvery)},
          {"--eval-batches", std::to_string(options.evalBatches)},
          {"--save-every", std::to_string(options.saveEvery)},
          {"--at", actions.empty() ? "none" : actions},
          {"--scalar", scalars.empty() ? "none" : scalars}};
}

/// Gives each of several ranks of a host its part of the processors, and a GPU of its own where there are enough.
static void shareMachine(const nc_program &program, const Ranks &ranks, SessionOptions &options, bool isThreadsGiven) {
  int here = ranks.countHere(), place = ranks.placeHere();
  if (here == 1)
    return;
  if (!isThreadsGiven)
    options.threads = std::max(1, options.threads / here);
  if (options.isPinned) {
    std::vector<int> all = allowedProcessors();
    auto end = [&](int part) { return all.begin() + int64_t(all.size()) * part / here; };
    if (std::vector<int> own(end(place), end(place + 1)); !own.empty())
      runOn(own);
  }
  CudaDriver driver;
  int devices = 0;
  bool isChosen = options.device.find(':') != std::string::npos;
  if (program.device[0] && !isChosen && driver.load() && !driver.init(0) && !driver.deviceCount(&devices) && devices)
    options.device = format("cuda:%d", place % devices);
}

/// Outputs are the first rank's.
static void dropOutputs(TrainOptions &options) {
  for (std::string *output : {&options.log, &options.logFile, &options.tensorboard, &options.save, &options.saveInit,
                              &options.dumpFolder, &options.profileFile})
    output->clear();
  options.profile = false;
}

void trainOnRanks(const nc_program &program, TrainOptions &options, const std::function<void()> &configure,
                  const std::function<bool()> &isThreadsGiven) {
  options.ranks.savesAtEnd = true;
  RankPlace place = findRankPlace();
  checkLaunch(options.ranks, place);
  checkCount(program, place.source.empty() ? std::max(1, options.ranks.ranks) : place.ranks);
  if (runRanksHere(options.ranks))
    return;
  if (place.rank > 0 && !freopen("/dev/null", "w", stdout))
    failRun("cannot open /dev/null");
  options.config.isQuiet = place.rank > 0;
  configure();
  if (place.rank > 0)
    dropOutputs(options);
  Ranks ranks(place, options.ranks, factsOf(program, options));
  ranks.run([&] {
    shareMachine(program, ranks, options.session, isThreadsGiven());
    TrainRun(program, options, ranks).run();
  });
}

} // namespace nc
