// SPDX-License-Identifier: Apache-2.0
#include "runtime/CommandLine.h"

int main(int argc, char **argv) { return nc::runCommandLine(nc_program_main, argc, argv); }
