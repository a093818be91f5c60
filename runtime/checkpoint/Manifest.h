// manifest.json of a checkpoint. Its last member is a hash of the others.
//
#pragma once

#include "runtime/checkpoint/Checkpoint.h"
#include <map>
#include <vector>

namespace nc {

struct CheckpointManifest {
  struct File {
    std::string name;
    uint64_t bytes, hash;
  };
  std::string model, target, compiler, irHash;
  std::map<std::string, int64_t> sizes; // compile-time sizes of the program
  RunState state;
  std::vector<File> files;

  static CheckpointManifest of(const nc_program &program, const RunState &state);

  /// Is `folder` a checkpoint, be it damaged? Not if its manifest is somebody else's.
  static bool isIn(const std::string &folder);
  /// Is its manifest, or one of the files that it lists, not what was written?
  static bool isDamaged(const std::string &folder);
  /// Of the checkpoint in `folder`. Fails (exit 2) if it is not one.
  static CheckpointManifest read(const std::string &folder);
  void write(const std::string &folder) const;

  /// A file that was written, with its size and hash.
  static File describe(const std::string &folder, const std::string &name);
  /// Fails (exit 2) if a file is missing or is not what was written.
  void checkFiles(const std::string &folder) const;
};

} // namespace nc
