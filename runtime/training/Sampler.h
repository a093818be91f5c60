// From logits to the next token, on the host.
//
#pragma once

#include <cstdint>
#include <vector>

namespace nc {

struct SamplerOptions {
  double temperature = 1; // 0 takes the most likely token
  int64_t topK = 0;       // keep the k most likely tokens; 0 keeps all
  double topP = 1;        // then the fewest that together have this probability
};

/// `uniform` in [0, 1) chooses; equal logits are ordered by token id. Fails (exit 1) if one of them
/// is not finite.
int32_t sampleToken(const std::vector<double> &logits, const SamplerOptions &options, double uniform);

/// The first loop (from 0) at which the cumulative exit probability reaches `threshold`, else the
/// last.
int64_t chooseExit(const std::vector<double> &exitProbability, double threshold);

} // namespace nc
