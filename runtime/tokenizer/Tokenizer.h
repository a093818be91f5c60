// Byte-level BPE: any bytes to token ids and back, without loss.
//
// The vocabulary is 256 single bytes, one token per merge, and special tokens, of which one begins
// every document. Files are Hugging Face's tokenizer.json (TokenizerFile.cpp).
//
#pragma once

#include "runtime/tokenizer/Splitter.h"
#include <string>
#include <unordered_map>
#include <vector>

namespace nc {

/// What the special token before every document is called in most vocabularies. Where a text has
/// these letters, they are ordinary text.
constexpr const char *kEndOfText = "<|endoftext|>";

/// All that a tokenizer is.
struct BpeModel {
  std::string pattern;                             // how texts are split into pieces that merges stay within
  std::vector<std::string> tokens;                 // bytes by id; of special tokens their names
  std::vector<bool> isSpecial;                     // by id
  std::vector<std::pair<int32_t, int32_t>> merges; // ids, the most urgent first
  int32_t begin = 0;                               // the special token before every document
  bool takesWholePieces = false;                   // a piece that is a token is not merged together
};

class Tokenizer {
public:
  /// Fails (exit 2), with `name`, if the model contradicts itself.
  Tokenizer(BpeModel model, const std::string &name);
  /// Reads a tokenizer.json. Fails (exit 2), naming the file and what is wrong with it.
  static Tokenizer read(const std::string &path);
  /// The same of the file's content; `name` is what messages call it.
  static Tokenizer parse(std::string_view text, const std::string &name);
  /// The content of a tokenizer.json.
  std::string text() const;
  /// Writes a tokenizer.json that was read back and is the same. Fails (exit 1), and nothing is
  /// written, if it is not.
  void write(const std::string &path) const;

  /// Number of ids: 0 … size() - 1.
  int32_t size() const { return int32_t(model.tokens.size()); }
  int32_t beginToken() const { return model.begin; }
  /// The bytes an id stands for; empty for special tokens.
  std::string_view bytesOf(int32_t id) const;
  const std::string &pattern() const { return model.pattern; }

  /// Appends the ids of `text`, which is taken as ordinary text throughout: no special tokens.
  /// Not for several threads at once: pieces seen before are remembered.
  void encode(std::string_view text, std::vector<int32_t> &ids);

  /// The same for tokenizers that give the same ids.
  uint64_t hash() const { return modelHash; }

private:
  struct Merge {
    int32_t rank, result;
  };
  struct PairHash {
    size_t operator()(uint64_t pair) const { return pair * 0x9e3779b97f4a7c15u >> 20; }
  };
  void encodePiece(std::string_view piece, std::vector<int32_t> &ids);
  void mergePiece(std::string_view piece, std::vector<int32_t> &ids) const;
  uint64_t computeHash() const;

  BpeModel model;
  Splitter splitter;
  std::vector<int32_t> byteIds; // by byte
  std::unordered_map<uint64_t, Merge, PairHash> merges;
  std::unordered_map<std::string_view, int32_t> idOf; // by bytes; views of model.tokens
  std::unordered_map<std::string, std::vector<int32_t>> seen;
  uint64_t modelHash = 0;
};

} // namespace nc
