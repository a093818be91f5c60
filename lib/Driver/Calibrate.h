// --calibrate: how fast this machine runs kernels.
#pragma once

#include "lib/Driver/Compile.h"
#include "lib/Planner/Rates.h"

namespace mlir::nanochat {

/// Trains a small model for some steps on all threads, under a profile, for the first of options.rows, which this
/// machine must be able to run. An error says what failed.
FailureOr<Rates> calibrate(MLIRContext &context, CompileOptions options, int64_t threads);

} // namespace mlir::nanochat
