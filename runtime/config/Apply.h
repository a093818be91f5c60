// Configurations on the command line: settings become the options they stand for.
//
#pragma once

#include "runtime/config/Config.h"

namespace CLI {
class App;
}
struct nc_program;

namespace nc {

struct ConfigOptions {
  std::string path;
  std::vector<std::string> overrides;
  bool isQuiet = false; // says only what is wrong
};

/// Adds --config and --set.
void addConfigOptions(CLI::App &command, ConfigOptions &options);

/// For a command whose callback begins: gives every option that a setting stands for, and that was
/// not on the command line, its value. Prints what is odd, and what this program does not use and
/// why; fails (exit 2) if something is wrong.
void applyConfig(CLI::App &command, const nc_program &program, const ConfigOptions &options);

} // namespace nc
