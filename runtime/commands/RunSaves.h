// The checkpoints of a run that goes on when one cannot be written.
//
#pragma once

#include "runtime/checkpoint/Checkpoint.h"
#include <chrono>

namespace nc {

class RunSaves {
public:
  /// Fails as CheckpointWriter does; an empty folder is none, and nothing is saved. The first rank writes; where each
  /// has a share, `isShared`, all do, and call the same at once.
  RunSaves(const std::string &folder, int64_t keepLast, Ranks &ranks, bool isShared);

  /// See CheckpointWriter::begin and findSharedFolder.
  void begin(const std::string &resumed, int64_t end);

  /// Saves, unless that step is saved. What the disk refuses is a warning, and due again later;
  /// numbers that are not finite fail (exit 1).
  void save(const Session &session, const RunState &state, const Vocabulary &vocabulary);
  /// Whether a save that failed is to be tried again now.
  bool isDueAgain() const;
  /// As `save`, but fails (exit 1) if it cannot: there is no later.
  void finish(const Session &session, const RunState &state, const Vocabulary &vocabulary);

private:
  /// Whether the step is to be saved and is not yet. Fails (exit 1) if it is not finite.
  bool isMissing(const Session &session, const RunState &state) const;
  void write(const Session &session, const RunState &state, const Vocabulary &vocabulary);

  Ranks &ranks;
  std::string folder;
  bool isShared, isWritten = false;       // whether there are checkpoints
  std::optional<CheckpointWriter> writer; // the first rank's
  int64_t savedStep = -1;
  std::optional<std::chrono::steady_clock::time_point> failed; // the last attempt, if it did
};

} // namespace nc
