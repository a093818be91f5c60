// The commands that need no compiled program: every program has them, and so has the compiler.
//
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace nc {

/// An option that the tool parses itself, told here for its manual and its completion.
struct ToolOption {
  std::string name;  // "--emit", "-o"; without a dash: given by position
  std::string value; // "FILE", "asm|obj|exe" for a choice; empty for a flag
  std::string help;
  std::string group; // heading in the manual; empty: completed, but not in the manual
};

/// Who offers the commands.
struct Tool {
  std::string name, description, examples;
  std::string target; // what `doctor` says of the target row for this machine
  std::vector<ToolOption> options;
};

/// Adds the commands; `target` as in Tool.
void addToolCommands(CLI::App &app, const std::string &target);

bool isToolCommand(const std::string &name);

/// One line per command, indented by two, for the help of a tool.
std::string listToolCommands();

/// Runs the command that argv[1] names and reports what goes wrong; returns the exit code (see
/// Errors.h).
int runToolCommandLine(const Tool &tool, int argc, char **argv);

} // namespace nc
