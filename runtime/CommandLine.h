// The command line of every compiled program.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef NANOCHAT_RUNTIME_COMMANDLINE_H
#define NANOCHAT_RUNTIME_COMMANDLINE_H

#include "runtime/Abi.h"

namespace nc {

/// Parses, runs and reports; returns the exit code (see Errors.h).
int runCommandLine(const nc_program &program, int argc, char **argv);

} // namespace nc
#endif // NANOCHAT_RUNTIME_COMMANDLINE_H
