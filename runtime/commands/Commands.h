// The subcommands; one file each. Every function adds its command to `app`, which runs it when
// parsed. Failures are thrown (Errors.h).
//
// SPDX-License-Identifier: Apache-2.0
#ifndef NANOCHAT_RUNTIME_COMMANDS_COMMANDS_H
#define NANOCHAT_RUNTIME_COMMANDS_COMMANDS_H

#include "runtime/Abi.h"

namespace CLI {
class App;
}

namespace nc {

void addTrainCommand(CLI::App &app, const nc_program &program);
void addEvalCommand(CLI::App &app, const nc_program &program);
void addGenerateCommand(CLI::App &app, const nc_program &program);
void addInfoCommand(CLI::App &app, const nc_program &program);
void addGradCommand(CLI::App &app, const nc_program &program);
void addPlotCommand(CLI::App &app);

} // namespace nc
#endif // NANOCHAT_RUNTIME_COMMANDS_COMMANDS_H
