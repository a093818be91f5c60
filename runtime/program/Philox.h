// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11).
//
// Randomness here is addressed, not streamed: a draw is a pure function of
// (seed, step, id, element), the same on any machine, thread count and after any resume.
//
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace nc {

using PhiloxBlock = std::array<uint32_t, 4>;

/// The generator itself: ten rounds over a 128-bit counter with a 64-bit key.
inline PhiloxBlock philox(PhiloxBlock counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    uint64_t product0 = uint64_t(0xD2511F53u) * counter[0];
    uint64_t product1 = uint64_t(0xCD9E8D57u) * counter[2];
    counter = {uint32_t(product1 >> 32) ^ counter[1] ^ key[0], uint32_t(product1),
               uint32_t(product0 >> 32) ^ counter[3] ^ key[1], uint32_t(product0)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

/// The block at an address: counter = (element low, element high, id, step), key = (seed low,
/// high).
inline PhiloxBlock drawBlock(uint64_t seed, uint32_t step, uint32_t id, uint64_t element) {
  return philox({uint32_t(element), uint32_t(element >> 32), id, step}, {uint32_t(seed), uint32_t(seed >> 32)});
}

/// FNV-1a, 64 bits: names and paths to numbers that never change.
constexpr uint64_t stableHash(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (char byte : text)
    hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3u;
  return hash;
}

/// The `id` of the stream that belongs to a name.
constexpr uint32_t streamId(std::string_view name) {
  uint64_t hash = stableHash(name);
  return uint32_t(hash ^ (hash >> 32));
}

/// 64 bits of a block (`half` is 0 or 1).
inline uint64_t word64(const PhiloxBlock &block, int half) {
  return uint64_t(block[2 * half]) | uint64_t(block[2 * half + 1]) << 32;
}

/// A number below `bound` from 64 random bits.
inline uint64_t below(uint64_t bits, uint64_t bound) {
  return uint64_t((static_cast<unsigned __int128>(bits) * bound) >> 64);
}

/// A double in [0, 1) with 53 random bits.
inline double unit(uint64_t bits) { return double(bits >> 11) * 0x1p-53; }

} // namespace nc
