// Parameters and optimizer states in safetensors files.
//
// A parameter keeps its name, a state bears the prefix "state.". A file has all parameters and
// either all states or none. Metadata: model, compiler, ir_hash, seed, step (steps done).
//
// SPDX-License-Identifier: Apache-2.0
#ifndef NANOCHAT_RUNTIME_CHECKPOINT_H
#define NANOCHAT_RUNTIME_CHECKPOINT_H

#include "runtime/Session.h"

#include <string>

namespace nc {

/// Where a training run stands: how many steps were done and from which seed.
struct Progression {
  int64_t step = 0;
  uint64_t seed = 0;
};

enum class Contents { Parameters, ParametersAndStates };

void saveCheckpoint(const Session &session, const std::string &path, Contents contents,
                    Progression progression);

/// Loads parameters, and states if the file has them (else they are left alone). Fails (exit 2)
/// before anything is changed if a tensor is missing, unknown or of another shape or dtype; only
/// f32 may become f64.
void loadCheckpoint(Session &session, const std::string &path);

/// As loadCheckpoint, but the file must have states, step and seed, which are returned.
Progression resumeCheckpoint(Session &session, const std::string &path);

} // namespace nc
#endif // NANOCHAT_RUNTIME_CHECKPOINT_H
