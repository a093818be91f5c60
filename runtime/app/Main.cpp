#include "runtime/app/CommandLine.h"
#include "runtime/app/RunApp.h"
#include "runtime/device/ProgramChoice.h"
#include <string_view>

int main(int argc, char **argv) {
  return nc::reportErrors([&] {
    auto device = nc::parseDevice(nc::findDeviceArgument(argc, argv));
    device.isToRun = nc::runsKernels(argc, argv);
    device.isAnyGood = argc > 1 && argv[1] == std::string_view("doctor");
    return nc::runCommandLine(nc::chooseProgram(nc_programs, device), argc, argv);
  });
}
