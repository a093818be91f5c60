#include "runtime/commands/Commands.h"
#include "runtime/commands/TrainRanks.h"
#include "runtime/files/Errors.h"
#include "runtime/files/Files.h"
#include "runtime/program/Program.h"
#include <CLI/CLI.hpp>

namespace nc {

static void addFileOptions(CLI::App &command, TrainOptions &options) {
  auto add = [&](const char *name, std::string &value, const char *help) {
    return command.add_option(name, value, help)->type_name("FILE")->group("Files");
  };
  add("--init", options.init, "Start from these parameters");
  add("--save", options.save, "The trained parameters, at the end or when interrupted");
  add("--save-init", options.saveInit, "The parameters before the first step");
  add("--log", options.log, "One JSON object per step; see 'report' and 'plot'");
  add("--log-file", options.logFile, "What the terminal shows");
  add("--tensorboard", options.tensorboard, "The same numbers in a folder for TensorBoard")->type_name("DIR");
}

static void addCheckpointOptions(CLI::App &command, TrainOptions &options) {
  auto add = [&](const char *name, auto &value, const char *help, const char *type) {
    return command.add_option(name, value, help)->type_name(type)->group("Checkpoints");
  };
  CLI::Option *folder =
      add("--checkpoints", options.checkpoints,
          "Save all that going on needs here: at the end, when interrupted (Ctrl-C), on SIGUSR1", "DIR");
  add("--save-every", options.saveEvery, "and every so many steps; 0: never", "N")
      ->transform(integerIn(0, kMostSteps))
      ->needs(folder);
  add("--keep-last", options.keepLast, "How many checkpoints to keep", "N")
      ->transform(integerIn(1, kMostAtOnce))
      ->capture_default_str()
      ->needs(folder);
  add("--resume", options.resume,
      "Go on as if the run had not stopped: from a checkpoint, or from the newest in "
      "--checkpoints, "
      "if there is one",
      "auto|DIR")
      ->excludes("--init");
}

static void addRunOptions(CLI::App &command, TrainOptions &options) {
  auto add = [&](const char *name, auto &value, const char *help, const char *group = "Run") {
    return command.add_option(name, value, help)->group(group);
  };
  auto addCount = [&](const char *name, auto &value, const char *help, int64_t least, uint64_t most) {
    return add(name, value, help)->transform(integerIn(least, most));
  };
  add("--val", options.validation, "Validation text; else a twentieth of --data", "Data")->type_name("PATH");
  add("--reference", options.reference,
      "What another model's loss is at each training token, by 'score' of its program, for a model that scores tokens "
      "by it",
      "Data")
      ->type_name("FILE");
  addCount("--steps", options.steps, "Steps of the whole run, with those before it was resumed [1000]", 0, kMostSteps);
  addCount("--schedule-steps", options.scheduleSteps, "Steps that schedules of the model are stretched over [--steps]",
           1, kMostSteps);
  addCount("--eval-every", options.evalEvery, "Evaluate every so many steps; 0: never", 0, kMostSteps)
      ->capture_default_str();
  addCount("--eval-batches", options.evalBatches, "Batches per evaluation", 1, kMostAtOnce)->capture_default_str();
  addCount("--seed", options.seed, "Decides the first parameters and the data order [0]", 0, UINT64_MAX);
  add("--phase", options.phase, "Which of the model's training phases to run")->capture_default_str();
  add("--dump-dispatches", options.dumpFolder, "Record every kernel call of the first step in this folder",
      "Inspection")
      ->type_name("DIR");
  command
      .add_flag("--profile", options.profile, "Time every kernel call and print at the end which kernels took how long")
      ->excludes("--dump-dispatches")
      ->group("Inspection");
  add("--profile-file", options.profileFile, "Write the times of all kernels of --profile here, as JSON", "Inspection")
      ->type_name("FILE");
  command
      .add_flag("--measure-memory", options.measureMemory,
                "Print at the end how many bytes the plan of the program has and how many three steps used")
      ->group("Inspection");
  command.add_flag("--count-bytes", options.countBytes, "Print how many bytes a rank sent to others in a step")
      ->group("Inspection");
  command.add_flag("--count-allocations", options.countAllocations, "Print how often a step allocated memory (never)")
      ->group("Inspection");
}

static void addPhaseOption(CLI::App &command, const nc_program &program, TrainOptions &options) {
  std::string help = "Before a step (a number, or 50% of the schedule): NAME=VALUE gives a scalar "
                     "of the model another value from then on, reset-states begins optimizers' "
                     "states anew";
  if (std::set<std::string> names = phaseNames(program); !names.empty())
    help += ", NAME runs one of " + join(names);
  command.add_option("--at", options.at, help)->type_name("STEP:ACTION")->group("Run");
}

void addTrainCommand(CLI::App &app, const nc_program &program) {
  auto options = std::make_shared<TrainOptions>();
  CLI::App *command = app.add_subcommand("train", "Train on text");
  addConfigOptions(*command, options->config);
  addDataOptions(*command, options->data);
  addRunOptions(*command, *options);
  addPhaseOption(*command, program, *options);
  addFileOptions(*command, *options);
  addCheckpointOptions(*command, *options);
  addSessionOptions(*command, program, options->session);
  addRankOptions(*command, options->ranks, /*least=*/1);
  command->callback([options, command, &program] {
    auto configure = [&] {
      applyConfig(*command, program, options->config);
      if (options->resume == "auto" && options->checkpoints.empty())
        failInput("--resume auto: no folder to look in", "name it with --checkpoints");
    };
    trainOnRanks(program, *options, configure, [&] { return command->get_option("--threads")->count() > 0; });
  });
}

} // namespace nc
