// The tables [[phase]] of a configuration: what happens between steps.
//
//   [[phase]]
//   at = "50%"
//   set = { weight_decay = 0.0 }
//   run = "fire"
//   restart = true
//
#pragma once

#include "runtime/config/Config.h"

struct nc_program;

namespace nc {

/// The values of --at that a table stands for.
std::vector<std::string> phaseOptions(const SettingTable &phase);

/// Remarks of tables that say no time or do nothing.
std::vector<Remark> checkPhases(const Config &config);
/// Remarks of tables that ask for what a program does not have.
std::vector<Remark> comparePhases(const Config &config, const nc_program &program);

} // namespace nc
