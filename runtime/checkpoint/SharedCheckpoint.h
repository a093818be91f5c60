// Checkpoints of ranks that have shares: each writes the rows that it has, and all learn whether it is one.
//
#pragma once

#include "runtime/checkpoint/Checkpoint.h"

namespace nc {

/// Whether the first rank, which alone has a `writer`, writes checkpoints. Fails in all (exit 2) where the `folder` of
/// another is not the one that it writes to.
bool findSharedFolder(Ranks &ranks, const std::string &folder, CheckpointWriter *writer);

/// As CheckpointWriter::save, by all ranks at once; it fails in all where it fails in one. Beside the files of the
/// first rank, which have all that is whole, the folder has those of others, "model-1.safetensors" and
/// "optimizer-1.safetensors"; see TensorFiles.h. The checkpoint is there once the first has heard from all and written
/// the manifest.
void saveShared(const Session &session, const RunState &state, const Vocabulary &vocabulary, const std::string &folder,
                CheckpointWriter *writer);

} // namespace nc
