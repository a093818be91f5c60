#include "runtime/commands/TrainRanks.h"
#include "runtime/commands/OnRanks.h"
#include "runtime/files/Errors.h"

namespace nc {

template <typename Number> static std::string textOf(const std::optional<Number> &number) {
  return number ? std::to_string(*number) : "none";
}

/// What decides results, or which collectives follow each other.
static Facts factsOf(const nc_program &program, const TrainOptions &options) {
  std::string actions;
  for (const std::string &action : options.at)
    actions += (actions.empty() ? "" : " ") + action;
  Facts facts = factsOf(program, options.ranks, options.session);
  for (const auto &fact : Facts{{"--phase", options.phase},
                                {"--seed", std::to_string(options.seed.value_or(0))},
                                {"--steps", textOf(options.steps)},
                                {"--schedule-steps", textOf(options.scheduleSteps)},
                                {"--eval-every", std::to_string(options.evalEvery)},
                                {"--eval-batches", std::to_string(options.evalBatches)},
                                {"--save-every", std::to_string(options.saveEvery)},
                                {"--at", actions.empty() ? "none" : actions}})
    facts.push_back(fact);
  return facts;
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
  auto prepare = [&](bool isFirst) {
    options.config.isQuiet = !isFirst;
    configure();
    if (!isFirst)
      dropOutputs(options);
    return factsOf(program, options);
  };
  runOnRanks(program, {options.ranks, options.session, isThreadsGiven}, prepare,
             [&](Ranks &ranks) { TrainRun(program, options, ranks).run(); });
}

} // namespace nc
