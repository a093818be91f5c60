// Tokens in a row: blocks of them, in memory or in files.
//
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace nc {

/// Tokens wherever they are kept.
class TokenBlock {
public:
  virtual ~TokenBlock() = default;
  virtual int64_t size() const = 0;
  /// Tokens `begin` … `begin` + `count` - 1, which must exist. Fails if they are no longer what
  /// they were; allocates nothing.
  virtual void copy(int64_t begin, int64_t count, int32_t *to) const = 0;
  /// Of the bytes they are kept as.
  virtual uint64_t hash() const = 0;
};

class TokenStream {
public:
  TokenStream() = default;
  explicit TokenStream(std::vector<int32_t> tokens);

  void append(std::shared_ptr<const TokenBlock> block);
  void append(const TokenStream &other);

  int64_t size() const { return length; }
  /// As TokenBlock::copy.
  void copy(int64_t begin, int64_t count, int32_t *to) const;

  /// A hash of all bytes and how they are cut into blocks.
  uint64_t hash() const;

private:
  struct Part {
    std::shared_ptr<const TokenBlock> block;
    int64_t begin;
  };
  std::vector<Part> parts;
  int64_t length = 0;
};

} // namespace nc
