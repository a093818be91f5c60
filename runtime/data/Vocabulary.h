// What token ids mean: single bytes, or the tokens of a tokenizer.
//
#pragma once

#include "runtime/tokenizer/Tokenizer.h"
#include <optional>

namespace nc {

class Vocabulary {
public:
  /// Bytes are their own ids; where a model has room for more than 256, id 256 begins a text.
  static Vocabulary ofBytes(int64_t modelVocab);
  static Vocabulary of(Tokenizer tokenizer);
  /// Ids without a meaning: of token files whose tokenizer is not known.
  static Vocabulary unknown();

  /// Number of ids that mean something; 0 if unknown.
  int32_t size() const;
  /// What stands before a text, if anything does.
  std::optional<int32_t> beginToken() const;
  /// The bytes of an id; empty if it begins a text or means nothing.
  std::string_view bytesOf(int32_t id) const;
  /// Appends the ids of `text`. Fails (exit 2), with `name`, at a byte that has none.
  void encode(std::string_view text, const std::string &name, std::vector<int32_t> &ids);

  /// tokenizer.json as text; empty if there is none.
  std::string tokenizerText() const;
  /// The same for vocabularies that give the same ids; 0 without a tokenizer.
  uint64_t hash() const;
  bool isUnknown() const { return !tokenizer && byteCount == 0; }

private:
  std::shared_ptr<Tokenizer> tokenizer; // null for bytes
  int32_t byteCount = 0;
  bool hasBegin = false;
};

} // namespace nc
