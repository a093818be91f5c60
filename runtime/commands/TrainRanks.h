// Training by several processes: how many there must be, what they must agree in, and what is whose.
#pragma once

#include "runtime/commands/TrainRun.h"

namespace nc {

/// Trains on the ranks that the environment says, or on those that --ranks starts here. Fails (exit 2) unless they are
/// as many as the program is for.
/// `configure` completes the options; `isThreadsGiven` says whether they then tell how many threads a rank has.
void trainOnRanks(const nc_program &program, TrainOptions &options, const std::function<void()> &configure,
                  const std::function<bool()> &isThreadsGiven);

} // namespace nc
