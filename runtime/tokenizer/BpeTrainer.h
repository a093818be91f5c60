// Learns the merges of a byte-level BPE tokenizer from texts (Sennrich et al., "Neural machine
// translation of rare words with subword units", ACL 2016; on bytes as in GPT-2).
//
#pragma once

#include "runtime/tokenizer/Tokenizer.h"

namespace nc {

class BpeTrainer {
public:
  /// `pattern` is "gpt2", "gpt4" or a regular expression. Fails (exit 2) if it is none.
  explicit BpeTrainer(const std::string &pattern);

  /// Counts the pieces of a text, of which nothing else is kept.
  void add(std::string_view text);

  /// Merges the most frequent pair of neighbours again and again, of equally frequent ones the pair
  /// with the lower ids, until there are `vocab` tokens: 256 bytes, merges and, last, kEndOfText,
  /// whose name no merge makes. Fewer if no pair occurs twice. The same texts give the same
  /// tokenizer.
  Tokenizer train(int32_t vocab) const;

private:
  std::string pattern;
  Splitter splitter;
  std::unordered_map<std::string, int64_t> counts; // of pieces
};

} // namespace nc
