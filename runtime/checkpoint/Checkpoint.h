// Checkpoints: everything a run needs to go on as if it had not stopped.
//
// A checkpoint is a folder DIR/step-00000010 with model.safetensors, optimizer.safetensors and
// manifest.json, which lists sizes and hashes of the others and where the run stood. It is written
// under another name and renamed when all of it is on disk: what is there under its own name is
// complete, whenever the process or the machine died. Only what is called so and has such a manifest
// is a checkpoint; whatever else lies in the folder is not touched. Ranks that have shares write more
// files into one checkpoint: see SharedCheckpoint.h.
//
#pragma once

#include "runtime/data/Vocabulary.h"
#include "runtime/program/Session.h"
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace nc {

constexpr const char *kModelFile = "model.safetensors";
constexpr const char *kOptimizerFile = "optimizer.safetensors";
constexpr const char *kLock = "/.lock"; // in a folder of checkpoints

class HiddenFolder;
struct CheckpointManifest;

/// Where a run stands.
struct RunState {
  int64_t step = 0;          // steps done
  int64_t rows = 0;          // rows of data consumed
  int64_t scheduleSteps = 0; // the length that schedules see
  int64_t steps = 0;         // where the run ends
  uint64_t seed = 0;
  std::string phase = "train";
  uint64_t tokenizerHash = 0, dataHash = 0;
  std::vector<std::string> actions = {};      // what happens between steps; see PhaseSchedule.h
  std::map<std::string, double> scalars = {}; // that the user set, as --lr does
};

/// Writes the checkpoints of one run to a folder and removes the old ones of that run: what it
/// neither wrote nor goes on from is not its own.
class CheckpointWriter {
public:
  /// Makes the folder, takes it for this process, and clears away what a killed one left half
  /// written. `keepLast` is at least 1. Fails (exit 2) if nothing can be written there, or another
  /// process writes there.
  CheckpointWriter(const std::string &folder, int64_t keepLast);
  ~CheckpointWriter();
  CheckpointWriter(const CheckpointWriter &) = delete;
  CheckpointWriter &operator=(const CheckpointWriter &) = delete;

  /// Call before the first step with the checkpoint that the run goes on from, or "", and the step
  /// it goes on to. Fails (exit 2) if the folder holds checkpoints that are not in the past of that
  /// one, or anything else where one of the run's should go. Returns the step of that one if it is
  /// here.
  std::optional<int64_t> begin(const std::string &resumed, int64_t end);

  /// Everything must be finite (see checkFinite). Fails (exit 1), with all older checkpoints intact,
  /// if it cannot be written. A folder that vanished is made again.
  void save(const Session &session, const RunState &state, const Vocabulary &vocabulary);

  /// The parts of `save`: a folder for the files of a checkpoint, and the end, once they and the manifest tell of each
  /// other.
  std::unique_ptr<HiddenFolder> draft(int64_t step);
  void commit(HiddenFolder &draft, const CheckpointManifest &manifest);
  /// Leaves a text in the lock, by which others know the folder.
  void mark(const std::string &token);

private:
  void open();
  void release();
  /// Takes the folder again where it, or its lock, is no longer what was taken. Fails if it is
  /// another's now.
  void reopenIfChanged();
  void removeOld();

  std::string folder;
  int64_t keepLast;
  int lock = -1, place = -1; // the lock in the folder, and the folder itself
  std::set<int64_t> own;     // steps of the run's checkpoints here
};

/// The folder of the newest complete checkpoint in `folder`; damaged ones are passed over, with a
/// warning on standard error. Fails (exit 2) if there are some and all are damaged.
std::optional<std::string> findNewest(const std::string &folder);

/// Loads a checkpoint after its sizes and hashes were checked. Fails (exit 2) before anything is
/// changed if it is damaged, of another model or of another optimizer, or not finite. Says on
/// standard output how its program differed from this one, where that does not matter.
RunState resumeFrom(Session &session, const std::string &checkpoint);

} // namespace nc
