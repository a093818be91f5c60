#include "runtime/app/ToolCommandLine.h"
#include "runtime/app/RunApp.h"
#include "runtime/commands/Commands.h"
#include "runtime/files/Errors.h"
#include <CLI/CLI.hpp>

namespace nc {

void addToolCommands(CLI::App &app, const std::string &target) {
  addDataCommand(app);
  addTokenizerCommand(app);
  addConfigCommand(app);
  addReportCommand(app);
  addPlotCommand(app);
  addDoctorCommand(app, target);
  addCompletionCommand(app);
  addManCommand(app);
}

static std::vector<CLI::App *> commandsOf(CLI::App &app) {
  addToolCommands(app, "");
  return app.get_subcommands(nullptr);
}

bool isToolCommand(const std::string &name) {
  CLI::App app;
  for (const CLI::App *command : commandsOf(app))
    if (command->get_name() == name)
      return true;
  return false;
}

std::string listToolCommands() {
  CLI::App app;
  std::string list;
  for (const CLI::App *command : commandsOf(app))
    list += format("  %-12s %s\n", command->get_name().c_str(), command->get_description().c_str());
  return list;
}

/// The tool parses its options itself; here they are only described.
static void describeOption(CLI::App &app, const ToolOption &option) {
  if (app.get_option_no_throw(option.name))
    return; // --help
  CLI::Option *added = app.add_option(option.name, option.help)->group(option.group);
  if (option.value.empty())
    added->expected(0);
  else if (option.value.find('|') != std::string::npos)
    added->check(CLI::IsMember(CLI::detail::split(option.value, '|')));
  else
    added->type_name(option.value);
}

int runToolCommandLine(const Tool &tool, int argc, char **argv) {
  return reportErrors([&] {
    CLI::App app(tool.description, tool.name);
    app.footer(tool.examples);
    app.require_subcommand(1);
    for (const ToolOption &option : tool.options)
      describeOption(app, option);
    addToolCommands(app, tool.target);
    return runApp(app, argc, argv);
  });
}

} // namespace nc
