#include "runtime/data/Vocabulary.h"
#include "runtime/files/Errors.h"
#include <algorithm>
#include <array>

namespace nc {

static constexpr int32_t kBytes = 256;

/// Every byte once, in order: what single bytes are views of.
static const std::array<char, kBytes> allBytes = [] {
  std::array<char, kBytes> bytes;
  for (int i = 0; i < kBytes; ++i)
    bytes[i] = char(i);
  return bytes;
}();

Vocabulary Vocabulary::ofBytes(int64_t modelVocab) {
  Vocabulary vocabulary;
  vocabulary.byteCount = int32_t(std::min<int64_t>(modelVocab, kBytes));
  vocabulary.hasBegin = modelVocab > kBytes;
  return vocabulary;
}

Vocabulary Vocabulary::of(Tokenizer tokenizer) {
  Vocabulary vocabulary;
  vocabulary.tokenizer = std::make_shared<Tokenizer>(std::move(tokenizer));
  return vocabulary;
}

Vocabulary Vocabulary::unknown() { return {}; }

int32_t Vocabulary::size() const { return tokenizer ? tokenizer->size() : byteCount + int32_t(hasBegin); }

std::optional<int32_t> Vocabulary::beginToken() const {
  if (tokenizer)
    return tokenizer->beginToken();
  return hasBegin ? std::optional(kBytes) : std::nullopt;
}

std::string_view Vocabulary::bytesOf(int32_t id) const {
  if (tokenizer)
    return id < tokenizer->size() ? tokenizer->bytesOf(id) : std::string_view();
  return id < byteCount ? std::string_view(&allBytes[id], 1) : std::string_view();
}

void Vocabulary::encode(std::string_view text, const std::string &name, std::vector<int32_t> &ids) {
  if (tokenizer)
    return tokenizer->encode(text, ids);
  for (size_t i = 0; i < text.size(); ++i) {
    auto byte = static_cast<unsigned char>(text[i]);
    if (byte >= byteCount)
      failInput(
          format("'%s': byte %d at offset %zu is not below the vocabulary of %d", name.c_str(), byte, i, byteCount),
          "compile the model with vocab = 257 or more to take any file");
    ids.push_back(byte);
  }
}

std::string Vocabulary::tokenizerText() const { return tokenizer ? tokenizer->text() : ""; }

uint64_t Vocabulary::hash() const { return tokenizer ? tokenizer->hash() : 0; }

} // namespace nc
