// A shuffled order without a list of it: a Feistel network over the next even power of two, walked
// until it lands below the count (Black and Rogaway, "Ciphers with arbitrary finite domains",
// 2002).
//
#pragma once

#include "runtime/program/Philox.h"

namespace nc {

/// The order numbered `epoch` of 0 … count-1 in the stream `id` of a seed.
class Permutation {
public:
  Permutation(uint64_t count, uint64_t seed, uint32_t id, uint64_t epoch) : count(count) {
    while (uint64_t(1) << 2 * halfBits < count)
      ++halfBits;
    for (int round = 0; round < kRounds; ++round)
      keys[round] = word64(drawBlock(seed, uint32_t(epoch), id, (epoch >> 32) << 32 | round), 0);
  }

  /// Where element `index` < count goes.
  uint64_t operator()(uint64_t index) const {
    do
      index = scramble(index);
    while (index >= count);
    return index;
  }

private:
  static constexpr int kRounds = 6;

  static uint64_t mix(uint64_t x) {
    x = (x ^ x >> 33) * 0xff51afd7ed558ccdu;
    x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53u;
    return x ^ x >> 33;
  }
  uint64_t scramble(uint64_t index) const {
    uint64_t mask = (uint64_t(1) << halfBits) - 1, left = index >> halfBits, right = index & mask;
    for (uint64_t key : keys) {
      uint64_t next = left ^ (mix(right ^ key) & mask);
      left = right;
      right = next;
    }
    return left << halfBits | right;
  }

  uint64_t count, keys[kRounds];
  int halfBits = 1;
};

} // namespace nc
