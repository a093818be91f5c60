// What the command line says of ranks.
#pragma once

#include "lib/Pipelines/Pipelines.h"
#include "lib/Planner/Communication.h"

namespace mlir::nanochat {

/// --ranks, --ways, --shard and --overlap. Throws nc::Error (exit 2) where they do not go together.
Distribution chooseDistribution();
bool isShardGiven();

/// --network, which goes with a plan; none where it is not given. Throws nc::Error (exit 2) where it is no way between
/// ranks.
std::optional<Network> chooseNetwork(bool isPlan);

} // namespace mlir::nanochat
