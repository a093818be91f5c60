// From texts to a prepared folder: tokenizer.json, train-00000.bin …, val-00000.bin …,
// manifest.json.
//
#pragma once

#include "runtime/data/Manifest.h"
#include <string>
#include <vector>

namespace nc {

struct PrepareOptions {
  std::vector<std::string> sources; // files and folders
  std::vector<std::string> extensions = {"rs"};
  std::string output;
  std::string tokenizer; // empty: train one of `vocab` tokens on the training texts
  int64_t vocab = 4096;
  std::string pattern = "gpt4";
  int64_t shardTokens = 100'000'000;
};

/// Makes the folder, which must not be there; it appears complete, read back and found as it should
/// be, or not at all. Texts whose bytes were met before are left out. Prints what it does. Fails
/// (exit 2) if there are no texts.
Manifest prepareData(const PrepareOptions &options);

} // namespace nc
