// Which exchanges have which lanes. Those that may be under way at a time have different ones, whoever starts them.
#pragma once

#include <cstdint>

namespace mlir::nanochat {

/// Gradients on their way to be added: so many at a time.
inline constexpr int64_t kAheadLane = 0, kAhead = 3;
/// What ends before anything else of its block begins, at top level; and the same in loops.
inline constexpr int64_t kAloneLane = 3, kInLoopLane = 7;
/// What is gathered, for a block and loops in it.
inline constexpr int64_t kGatherLane = 5, kGathers = 2;
inline bool isGatherLane(int64_t lane) { return lane >= kGatherLane && lane < kGatherLane + kGathers; }
/// Gradients of one layer.
inline constexpr int64_t kLayerLane = 8, kOfLayer = 20;
/// Sums of gradients that come back.
inline constexpr int64_t kBackLane = 28, kBack = 4;

static_assert(kAheadLane + kAhead <= kAloneLane && kAloneLane < kGatherLane && kGatherLane + kGathers <= kInLoopLane &&
              kInLoopLane < kLayerLane && kLayerLane + kOfLayer <= kBackLane);

} // namespace mlir::nanochat
