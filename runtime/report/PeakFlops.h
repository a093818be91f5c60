// How fast this machine could be, to say how fast it is.
//
#pragma once

#include "runtime/program/Threads.h"

namespace nc {

/// Floating-point operations per second of all threads of the team at once: f32 multiply-adds of
/// the widest vectors here, on registers, the best that each reaches within about 10 ms.
double measurePeakFlops(ThreadTeam &team);

} // namespace nc
