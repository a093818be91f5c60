// The description of a prepared data folder, manifest.json.
//
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace nc {

struct Manifest {
  struct Shard {
    std::string file;
    int64_t tokens;
    uint64_t hash; // of the tokens' bytes, as in the shard's header
  };
  struct Split {
    int64_t tokens = 0, documents = 0, textBytes = 0;
    std::vector<Shard> shards;
  };

  std::string tokenizer; // file name
  uint64_t tokenizerHash = 0;
  int64_t vocab = 0;
  int64_t duplicates = 0; // texts left out because their bytes were there already
  std::vector<std::string> sources;
  Split train, validation;

  /// Fails (exit 2), naming the file and what is wrong with it.
  static Manifest read(const std::string &path);
  void write(const std::string &path) const;
};

} // namespace nc
