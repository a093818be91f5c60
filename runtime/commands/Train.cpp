// SPDX-License-Identifier: Apache-2.0
#include "runtime/Files.h"
#include "runtime/commands/Commands.h"
#include "runtime/commands/TrainRun.h"

#include <CLI/CLI.hpp>

namespace nc {

static void addFileOptions(CLI::App &command, TrainOptions &options) {
  auto add = [&](const char *name, std::string &value, const char *help) {
    return command.add_option(name, value, help)->type_name("FILE")->group("Files");
  };
  CLI::Option *init = add("--init", options.init, "Start from these parameters");
  add("--resume", options.resume, "Go on with a saved run, as if it had not stopped")
      ->excludes(init);
  add("--save", options.save, "Parameters and optimizer states at the end, or when interrupted");
  command.add_option("--save-every", options.saveEvery, "Also save every so many steps; 0: never")
      ->check(atLeast(0))
      ->group("Files");
  add("--save-init", options.saveInit, "The parameters before the first step");
  add("--log", options.log, "One JSON object per step; see 'plot'");
}

static void addRunOptions(CLI::App &command, TrainOptions &options) {
  command.add_option("--val", options.validation, "Validation text; else a twentieth of --data")
      ->type_name("PATH")
      ->group("Data");
  auto add = [&](const char *name, int64_t &value, const char *help) {
    return command.add_option(name, value, help)->capture_default_str()->group("Run");
  };
  add("--steps", options.steps, "Steps of the whole run")->check(atLeast(0));
  add("--eval-every", options.evalEvery, "Evaluate every so many steps; 0: never")
      ->check(atLeast(0));
  add("--eval-batches", options.evalBatches, "Batches per evaluation")->check(atLeast(1));
  command.add_option("--seed", options.seed, "Decides the first parameters and the data order [0]")
      ->group("Run");
  command.add_option("--phase", options.phase, "Which of the model's training phases to run")
      ->capture_default_str()
      ->group("Run");
  command
      .add_option("--dump-dispatches", options.dumpFolder,
                  "Record every kernel call of the first step in this folder")
      ->type_name("DIR")
      ->group("Inspection");
  command
      .add_flag("--count-allocations", options.countAllocations,
                "Print how often a step allocated memory (never)")
      ->group("Inspection");
}

void addTrainCommand(CLI::App &app, const nc_program &program) {
  auto options = std::make_shared<TrainOptions>();
  CLI::App *command = app.add_subcommand("train", "Train on text");
  addDataOptions(*command, options->data);
  addRunOptions(*command, *options);
  addFileOptions(*command, *options);
  addSessionOptions(*command, program, options->session);
  command->callback([options, &program] {
    for (const auto &[flag, path] :
         {std::pair("--save", &options->save), std::pair("--save-init", &options->saveInit)})
      if (!path->empty())
        checkWritable(*path, flag);
    TrainRun(program, *options).run();
  });
}

} // namespace nc
