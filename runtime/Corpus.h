// Text as a stream of tokens: bytes, and where the vocabulary has room, 256 before each file.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef NANOCHAT_RUNTIME_CORPUS_H
#define NANOCHAT_RUNTIME_CORPUS_H

#include <cstdint>
#include <string>
#include <vector>

namespace nc {

/// Begin of file; the first token id that is not a byte.
constexpr int32_t beginToken = 256;

using TokenStream = std::vector<uint16_t>;

/// What to read: a file, or a folder walked recursively for names that end in one of `extensions`
/// (without the dot), in sorted order of their relative paths.
struct CorpusOptions {
  std::string path;
  std::vector<std::string> extensions;
  int64_t vocab;
};

struct Corpus {
  TokenStream train, validation;
  int64_t trainFiles = 0, validationFiles = 0;
};

/// All files in one stream. Fails (exit 2) if there are none, or at a byte the vocabulary lacks.
TokenStream readTokens(const CorpusOptions &options);

/// Every twentieth file, by a hash of its relative path, is for validation, at least one. Of a
/// single file the last twentieth is.
Corpus readSplitCorpus(const CorpusOptions &options);

} // namespace nc
#endif // NANOCHAT_RUNTIME_CORPUS_H
