// SPDX-License-Identifier: Apache-2.0
#include "runtime/CommandLine.h"
#include "runtime/CpuFeatures.h"
#include "runtime/RunApp.h"

int main(int argc, char **argv) {
  return nc::reportErrors(
      [&] { return nc::runCommandLine(nc::chooseProgram(nc_programs), argc, argv); });
}
