// Commands whose processes are ranks of each other: how many there must be, what they must agree in, what is whose.
#pragma once

#include "runtime/commands/Options.h"
#include <functional>

namespace nc {

/// The options of such a command, that it may complete when it prepares.
struct RankedOptions {
  RankOptions &ranks;
  SessionOptions &session;
  std::function<bool()> isThreadsGiven; // whether they then tell how many threads a rank has
};

/// What programs and what they exchange must agree in.
Facts factsOf(const nc_program &program, const RankOptions &ranks, const SessionOptions &session);

/// Runs `body` on the ranks that the environment says, or on those that --ranks starts here; `prepare` is told whether
/// this is the first, which alone prints, and returns what all agree in. Fails (exit 2) unless they are as many as the
/// program is for.
void runOnRanks(const nc_program &program, const RankedOptions &options,
                const std::function<Facts(bool isFirst)> &prepare, const std::function<void(Ranks &)> &body);

} // namespace nc
