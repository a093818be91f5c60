// Runs a parsed command line and reports what went wrong.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef NANOCHAT_RUNTIME_RUNAPP_H
#define NANOCHAT_RUNTIME_RUNAPP_H

#include <functional>

namespace CLI {
class App;
}

namespace nc {

/// Runs `body`, reports the error it throws, if any; returns the exit code (see Errors.h).
int reportErrors(const std::function<int()> &body);

/// Parses the arguments, which runs the chosen command, and reports every error; returns the exit
/// code (see Errors.h).
int runApp(CLI::App &app, int argc, char **argv);

} // namespace nc
#endif // NANOCHAT_RUNTIME_RUNAPP_H
