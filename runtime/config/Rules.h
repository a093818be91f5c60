// What in a configuration contradicts itself, this machine or a program.
//
#pragma once

#include "runtime/config/Config.h"

struct nc_program;

namespace nc {

/// What rules compare with.
struct Machine {
  int processors = 0, numaNodes = 0;
  bool hasAvx2 = false, hasAvx512 = false;
  static Machine here();
};

/// Remarks of keys that contradict one another or the machine.
std::vector<Remark> checkConfig(const Config &config, const Machine &machine);

/// Remarks of keys that a program does not use or was compiled otherwise for.
std::vector<Remark> compareWithProgram(const Config &config, const nc_program &program);

} // namespace nc
