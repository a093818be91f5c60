// What ranks of a program exchange, and how long that takes.
#pragma once

#include "lib/Planner/StepTime.h"
#include <optional>

namespace mlir::nanochat {

/// A way between ranks: an exchange takes `latency` seconds and one more for each `bandwidth` bytes that a rank sends.
struct Link {
  double latency = 0, bandwidth = 0;
};
/// Ranks of a host have a way of their own, where there are several; what they send to other hosts shares one.
struct Network {
  Link between;
  int64_t ofHost = 1; // ranks
  Link within;

  /// Seconds of an exchange among so many ranks, each of which sends `piece` bytes to each other. They are groups where
  /// there is a `stride` from one to the next: as many exchange at once, and share the way between hosts.
  double secondsOf(int64_t ranks, double piece, int64_t stride = 1) const;
};

/// "50us,1.2GB" or "50us,1.2GB,8,6us,2.8GB": latency and bytes per second between hosts, ranks of a host, and the same
/// within it, as `comm` of a program measures both.
std::optional<Network> parseNetwork(StringRef text);

/// Of a training step.
struct Communication {
  double exchanges = 0, sent = 0;  // calls, and bytes that rank 0 sends, on average
  double seconds = 0, exposed = 0; // of exchanges, and of waiting for them
  double step = 0;                 // seconds of all, with waiting
};

/// Of the entries train.gradients and train.update of a module after stage `plan`, whose program is for `ranks`:
/// kernels run one after the other, and exchanges, one after the other, beside them.
Communication communicationOf(ModuleOp planned, int64_t ranks, const Rates &rates,
                              const std::optional<Network> &network);

/// A step of the same sequences on other numbers of ranks.
struct Scaling {
  int64_t ranks;
  double compute, exchange; // seconds, the latter if nothing were hidden
};
/// On 1, 2, 4 … ranks, as long as the step's sequences can be shared out, and at most 4096.
SmallVector<Scaling> scalingOf(ModuleOp planned, const Rates &rates, const Network &network);

} // namespace mlir::nanochat
