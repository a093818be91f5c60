// The command line of every compiled program.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/Abi.h"

namespace nc {

/// Parses and runs; returns the exit code. What goes wrong is thrown (see Errors.h).
int runCommandLine(const nc_program &program, int argc, char **argv);

} // namespace nc
