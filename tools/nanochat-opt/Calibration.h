// The command --calibrate.
#pragma once

#include "mlir/IR/DialectRegistry.h"
#include <string>

namespace mlir::nanochat {

struct CalibrationOptions {
  std::string target;  // a row that this machine runs
  std::string runtime; // the archive that programs link
  std::string cache;   // the folder that rates are kept in; nowhere where empty
  std::string output;  // a file for them as well; "-": none
};

/// Measures this machine, prints what comes out and keeps it. Returns the exit code.
int calibrateMachine(DialectRegistry &registry, const CalibrationOptions &options);

} // namespace mlir::nanochat
