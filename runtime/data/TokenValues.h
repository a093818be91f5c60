// Numbers for the tokens of a stream, from a file: what a reference model's loss is at each.
//
// A file is safetensors: for each stream a vector of f32 under the hash of its tokens, so that it fits no other data.
//
#pragma once

#include "runtime/data/TokenStream.h"
#include "runtime/files/Safetensors.h"
#include <memory>

namespace nc {

class TokenValues {
public:
  /// The numbers for `stream`, of which messages speak as `what`. Fails (exit 2), naming the file, if it has none for
  /// these tokens, or one that is not finite.
  TokenValues(std::shared_ptr<const SafetensorsFile> file, const TokenStream &stream, const std::string &what);

  /// Those of tokens `begin` … `begin` + `count` - 1, which must exist. Fails (exit 1) if the file has lost them;
  /// allocates nothing.
  void copy(int64_t begin, int64_t count, float *to) const;
  /// Of all numbers.
  uint64_t hash() const { return knownHash; }

private:
  std::shared_ptr<const SafetensorsFile> file;
  const StoredTensor *tensor;
  uint64_t knownHash = 0;
};

/// Writes a file for some streams of different tokens, atomically; `values` has a number for each of these.
struct ScoredStream {
  const TokenStream *stream;
  std::vector<float> values;
};
void writeTokenValues(const std::string &path, const std::vector<ScoredStream> &scored, const std::string &model);

} // namespace nc
