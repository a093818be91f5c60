#include "runtime/app/CommandLine.h"
#include "runtime/app/RunApp.h"
#include "runtime/app/ToolCommandLine.h"
#include "runtime/commands/Commands.h"
#include "runtime/device/ProgramChoice.h"
#include <CLI/CLI.hpp>
#include <filesystem>

namespace nc {

void addProgramCommands(CLI::App &app, const nc_program &program) {
  for (auto add : {addTrainCommand, addEvalCommand, addScoreCommand, addGenerateCommand, addInfoCommand, addGradCommand,
                   addCommCommand})
    add(app, program);
}

int runCommandLine(const nc_program &program, int argc, char **argv) {
  std::string name = std::filesystem::path(argv[0]).filename().string();
  CLI::App app(std::string("Model '") + program.model + "', compiled for " + program.target +
                   ". Trains, evaluates and generates; needs nothing but this file.",
               name);
  app.footer("First steps:\n  " + name + " info\n  " + name +
             " train --data src/ --steps 1000 --save model.safetensors --log log.jsonl\n  " + name +
             " generate --init model.safetensors --prompt 'fn main() {' -n 200\n  " + name +
             " plot log.jsonl -o loss.svg");
  app.require_subcommand(1);
  addProgramCommands(app, program);
  addToolCommands(app,
                  std::string("this program is compiled for ") + program.target + whyNotHere(program, nc_programs));
  return runApp(app, argc, argv);
}

} // namespace nc
