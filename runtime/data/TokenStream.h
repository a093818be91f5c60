// Tokens in a row: in memory, or in mapped files of 2 or 4 bytes per token.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef NANOCHAT_RUNTIME_DATA_TOKENSTREAM_H
#define NANOCHAT_RUNTIME_DATA_TOKENSTREAM_H

#include <cstdint>
#include <memory>
#include <vector>

namespace nc {

class TokenStream {
public:
  TokenStream() = default;
  explicit TokenStream(std::vector<int32_t> tokens);

  /// Appends `count` tokens of `width` bytes (2 or 4, little-endian), which live as long as
  /// `owner`.
  void append(std::shared_ptr<const void> owner, const void *tokens, int width, int64_t count);
  void append(const TokenStream &other);

  int64_t size() const { return length; }
  /// Tokens `begin` … `begin` + `count` - 1, which must exist.
  void copy(int64_t begin, int64_t count, int32_t *to) const;

  /// A hash of all bytes and how they are cut into files; reads all of them.
  uint64_t hash() const;

private:
  struct Part {
    std::shared_ptr<const void> owner;
    const char *tokens;
    int width;
    int64_t begin, count;
  };
  std::vector<Part> parts;
  int64_t length = 0;
};

} // namespace nc
#endif // NANOCHAT_RUNTIME_DATA_TOKENSTREAM_H
