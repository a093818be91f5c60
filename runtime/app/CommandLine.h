// The command line of every compiled program.
//
#pragma once

#include "runtime/Abi.h"

namespace CLI {
class App;
}

namespace nc {

/// Adds the commands that run a program; those of tools are in ToolCommandLine.h.
void addProgramCommands(CLI::App &app, const nc_program &program);

/// Parses and runs; returns the exit code. What goes wrong is thrown (see Errors.h).
int runCommandLine(const nc_program &program, int argc, char **argv);

} // namespace nc
