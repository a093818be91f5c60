// Command lines: a line of input is an argument. They are parsed, and commands do not run.
//
#include "runtime/app/CommandLine.h"
#include "runtime/app/ToolCommandLine.h"
#include "runtime/device/ProgramChoice.h"
#include "runtime/files/Errors.h"
#include "runtime/training/PhaseAction.h"

#include <CLI/CLI.hpp>
#include <sstream>

using namespace nc;

static void parse(const std::string &text) {
  std::vector<std::string> arguments;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    arguments.insert(arguments.begin(), line); // the parser takes the last first
  CLI::App app;
  addProgramCommands(app, *nc_programs[0]);
  addToolCommands(app, "");
  // Comes before what commands do.
  app.parse_complete_callback([] { throw CLI::Success(); });
  app.parse(arguments);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string text(reinterpret_cast<const char *>(data), size);
  try {
    parse(text);
  } catch (const CLI::Error &) {
  }
  try {
    parseDevice(text);
  } catch (const Error &) {
  }
  try {
    PhaseAction::parse(*nc_programs[0], text);
  } catch (const Error &) {
  }
  return 0;
}
