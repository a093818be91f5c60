// The subcommands; one file each. Every function adds its command to `app`, which runs it when
// parsed. Failures are thrown (Errors.h).
//
#pragma once

#include "runtime/Abi.h"
#include <string>

namespace CLI {
class App;
}

namespace nc {

void addTrainCommand(CLI::App &app, const nc_program &program);
void addEvalCommand(CLI::App &app, const nc_program &program);
void addScoreCommand(CLI::App &app, const nc_program &program);
void addGenerateCommand(CLI::App &app, const nc_program &program);
void addInfoCommand(CLI::App &app, const nc_program &program);
void addGradCommand(CLI::App &app, const nc_program &program);
void addCommCommand(CLI::App &app, const nc_program &program);
void addDataCommand(CLI::App &app);
void addTokenizerCommand(CLI::App &app);
void addConfigCommand(CLI::App &app);
void addReportCommand(CLI::App &app);
void addPlotCommand(CLI::App &app);
/// `target` is what is known of the target row, empty where no row runs here.
void addDoctorCommand(CLI::App &app, const std::string &target);
void addCompletionCommand(CLI::App &app);
void addManCommand(CLI::App &app);

} // namespace nc
