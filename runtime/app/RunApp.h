// Runs a parsed command line and reports what went wrong.
//
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace nc {

/// The frame of a whole process: runs `body` and reports the error it throws, if any, or that what
/// it printed did not arrive; returns the exit code (see Errors.h). Files that `body` opens never
/// become standard streams, also where those were closed.
int reportErrors(const std::function<int()> &body);

/// Parses the arguments, which runs the chosen command; returns the exit code. What goes wrong is
/// thrown.
int runApp(CLI::App &app, int argc, char **argv);

} // namespace nc
